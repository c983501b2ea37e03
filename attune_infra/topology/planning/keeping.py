"""The things that messages cannot keep when they move from one queue to another, each in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.topology.facts.releases import FIRST_WITH_DEFAULT_DELIVERY_LIMIT, NEWEST
from attune_infra.topology.model import Arguments, Queue, Topology
from attune_infra.topology.planning.migration import Migration
from attune_infra.topology.policy import effective_arguments

_DEFAULT_DELIVERY_LIMIT: Final = 20
_QUORUM_PRIORITIES_SINCE: Final = (4, 0)


@dataclass(frozen=True, slots=True)
class Note:
    """Something that is not kept, and what to do about it."""

    sentence: str
    advice: str


def notes_on(migration: Migration) -> Iterator[Note]:
    """Yield what cannot be kept by a migration, before anything is changed."""
    have, want = migration.have, migration.want
    old = migration.old
    if old is None:
        return
    before = (have.type_of(old), effective_arguments(old, have))
    after = (have.type_of(want), effective_arguments(want, have))
    yield Note(
        f"moved messages name exchange {migration.names.aside if migration.renames else migration.names.back} "
        "as the one they were published to; routing keys, headers and all other properties are kept",
        "change consumers that read the exchange of a message before",
    )
    yield from _of_types(before, after, have)
    yield from _of_time(old, before, after)
    yield from _of_publishers(migration, have)


def _of_types(before: tuple[str, Arguments], after: tuple[str, Arguments], have: Topology) -> Iterator[Note]:
    (kind, settings), (new_kind, new) = before, after
    version = have.version or NEWEST
    if new_kind == "stream" and kind != "stream":
        yield Note(
            "a stream keeps no priority and no expiration, and has no dead letters",
            "consumers must acknowledge, set a prefetch, and choose an offset",
        )
        yield Note(
            "a stream drops headers that are tables or arrays, such as x-death (tried on 3.10, 4.0 and 4.3)",
            "take messages with such headers out before: `attune-infra queue peek --save FILE` keeps them",
        )
    if kind == "stream" and new_kind != "stream":
        yield Note(
            "all messages that the stream retains are moved, also consumed ones", "purge what is not wanted"
        )
    has_priority = new_kind == "quorum" and version >= _QUORUM_PRIORITIES_SINCE
    if "x-max-priority" in settings and "x-max-priority" not in new and not has_priority:
        yield Note(
            "the new queue has no priorities: messages are delivered in their present order", "none is needed"
        )
    if new_kind == "quorum" and kind != "quorum":
        limit = new.get(
            "x-delivery-limit", _DEFAULT_DELIVERY_LIMIT if version >= FIRST_WITH_DEFAULT_DELIVERY_LIMIT else None
        )
        if limit not in (None, -1):
            yield Note(
                f"a quorum queue counts deliveries: a message that returns more than {limit} times is "
                "dead-lettered, or dropped without a dead letter exchange",
                "set x-dead-letter-exchange, or another x-delivery-limit",
            )


def _of_time(old: Queue, before: tuple[str, Arguments], after: tuple[str, Arguments]) -> Iterator[Note]:
    if "x-message-ttl" in before[1] or "x-message-ttl" in after[1]:
        yield Note("the TTL of each message starts anew", "none is needed if they may live that long again")
    if "x-expires" in before[1]:
        yield Note(
            f"queue {old.name} has x-expires: it is deleted with its messages when nothing uses it that long",
            "do not interrupt the migration for longer than that",
        )
    yield Note(
        "delivery counts start anew, and moved messages are not marked as redelivered", "none is needed for most"
    )


def _of_publishers(migration: Migration, have: Topology) -> Iterator[Note]:
    source = migration.source
    what = "queue is gone" if migration.renames else "queue is made anew, which takes milliseconds"
    yield Note(
        f"publishers that name queue {source} itself, by the default exchange, cannot be switched: their messages "
        f"are returned, or lost, while the {what}",
        "let them publish to another exchange before, or stop them for the time",
    )
    for queue in have.queues.values():
        settings = effective_arguments(queue, have)
        if settings.get("x-dead-letter-exchange") == "" and settings.get("x-dead-letter-routing-key") == source:
            yield Note(
                f"dead letters of queue {queue.name} go to queue {source} by the default exchange, like these",
                "give that queue a dead letter exchange",
            )
