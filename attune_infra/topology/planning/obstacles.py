"""The reasons for which a queue cannot be migrated now, each with what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.topology.diff import Recreate, change_of
from attune_infra.topology.facts.between import PREFIX
from attune_infra.topology.facts.refusals import Restrictions, foresee_refusals
from attune_infra.topology.facts.unavailable import condition
from attune_infra.topology.model import Argument, Queue, Topology, label
from attune_infra.topology.planning.migration import Migration
from attune_infra.topology.policy import effective_arguments
from attune_infra.topology.words import counted

LOSING: Final = ("x-message-ttl", "x-expires", "x-max-length", "x-max-length-bytes")
"""Settings by which a queue loses messages by itself."""
_REPLAYING: Final = "x-recent-history"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A reason not to begin."""

    sentence: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The contents of the queue to migrate, and the room of the broker; None for a number that is unknown."""

    messages: int | None
    consumers: int | None
    bytes: int | None = None
    """Size of the bodies of all messages."""
    disk_left: int | None = None
    """Bytes until the broker takes no more messages."""
    alarm: str | None = None
    """The reason for which the broker takes no messages now."""

    @property
    def mean_bytes(self) -> int | None:
        return self.bytes // self.messages if self.bytes and self.messages else None


def obstacles_to(
    migration: Migration, contents: Contents, restrictions: Restrictions, *, ledgers: tuple[str, ...]
) -> Iterator[Obstacle]:
    """Yield the reasons not to begin; `ledgers` are the names of the queues that keep the state of the moves."""
    if migration.old is None and not migration.is_under_way:
        if migration.source not in migration.have.queues and not migration.is_as_wanted:
            yield Obstacle(f"there is no queue {migration.source}", "`attune-infra setup` creates missing queues")
        return
    if migration.old is not None:
        yield from _of_queue(migration.old, migration, contents)
    yield from _of_bindings(migration)
    yield from _of_policies(migration, ledgers)
    made = [item for step in migration.steps() for item in step.make]
    want = Topology.of(made)
    for refusal in foresee_refusals(made, migration.have, want, restrictions):
        yield Obstacle(f"{label(refusal.object)} would be refused: {refusal.reason}", refusal.hint)
    yield from _of_room(contents)


def _of_queue(old: Queue, migration: Migration, contents: Contents) -> Iterator[Obstacle]:
    want, have = migration.want, migration.have
    if old.exclusive:
        yield Obstacle(
            f"queue {old.name} is exclusive: only its own connection may use it", "close that connection"
        )
    if want.external:
        hint = "use the document of its owner, or take `external` out of this one"
        yield Obstacle(f"queue {want.name} is external: only its owner can change it", hint)
    if not old.works:
        yield Obstacle(f"queue {old.name} is {condition(old)}", "start the node that holds it")
    if migration.renames and isinstance(change_of(want, have), Recreate):
        yield Obstacle(
            f"queue {want.name} exists, and differs from the wanted one",
            f"`attune-infra migrate {want.name}` first",
        )
    limit = effective_arguments(want, have).get("x-max-length")
    if isinstance(limit, int) and contents.messages is not None and contents.messages > limit:
        yield Obstacle(
            f"queue {old.name} holds {counted(contents.messages, 'message')}, and the wanted one at most {limit}",
            "give it another x-max-length, or take messages out first: `attune-infra queue move`",
        )


def _of_bindings(migration: Migration) -> Iterator[Obstacle]:
    for binding in migration.bound:
        if not binding.key_is_text:
            yield Obstacle(f"no client can make {label(binding)} again", "unbind it, if nothing needs it")
        source = migration.have.exchanges.get(binding.source)
        if source is not None and source.type == _REPLAYING:
            yield Obstacle(
                f"exchange {source.name} of type {source.type} sends its last messages again to each new binding",
                "unbind the queue from it before",
            )


def _of_policies(migration: Migration, ledgers: tuple[str, ...]) -> Iterator[Obstacle]:
    """Yield policies that would make a queue in between lose messages."""
    between = [Queue(name=name, type="classic") for name in ledgers]
    if not migration.renames:
        between.append(migration.successor)
    for queue in between:
        settings: Mapping[str, Argument] = effective_arguments(queue, migration.have)
        found = [name.removeprefix("x-") for name in LOSING if name in settings]
        if found:
            yield Obstacle(
                f"a policy sets {', '.join(found)} on queue {queue.name}, which must lose nothing",
                f"leave names that begin with {PREFIX} out of its pattern, as ^(?!attune-infra[.]) does",
            )
            return


def _of_room(contents: Contents) -> Iterator[Obstacle]:
    if contents.alarm is not None:
        yield Obstacle(f"the broker takes no messages now: {contents.alarm}", "free disk or memory first")
    if contents.bytes is not None and contents.disk_left is not None and contents.bytes > contents.disk_left:
        yield Obstacle(
            f"the messages take {contents.bytes} bytes; the broker has {contents.disk_left} until its disk alarm",
            "free disk first, or take messages out of the queue",
        )
