"""Emptying queues: the messages that would be deleted, those that stay, and the result. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode, InvalidInput, QueueUnavailable
from attune_infra.messages.peeking import find_queue
from attune_infra.topology.facts.unavailable import condition
from attune_infra.topology.model import Topology
from attune_infra.topology.words import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Full:
    """A queue to empty, with its messages now; None for a number that is unknown.

    Its unacknowledged messages stay: a consumer has them.
    """

    name: str
    type: str
    ready: int | None = None
    unacknowledged: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Emptied:
    """A queue with the number of messages that were deleted; or the reason why it was not emptied."""

    queue: Full
    deleted: int = 0
    failure: str | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Purged:
    """The result for each queue."""

    queues: tuple[Emptied, ...]

    @property
    def exit_code(self) -> ExitCode:
        failed = [each for each in self.queues if each.failure is not None]
        if not failed:
            return ExitCode.DONE
        return ExitCode.FAILED if len(failed) == len(self.queues) else ExitCode.PARTLY_DONE


@dataclass(frozen=True, slots=True)
class ToPurge:
    """The queues to empty, in the order in which they were named."""

    queues: tuple[Full, ...]

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.DONE

    @property
    def nothing(self) -> Purged | None:
        """The result if no queue has a message that is ready; else None."""
        if any(each.ready != 0 for each in self.queues):
            return None
        return Purged(tuple(Emptied(queue=each) for each in self.queues))

    @property
    def question(self) -> str:
        ready = [each.ready for each in self.queues]
        known = [each for each in ready if each is not None]
        messages = counted(sum(known) if len(known) == len(ready) else None, "message")
        return f"Delete {messages} of {counted(len(self.queues), 'queue')}?"


def to_purge(
    names: Sequence[str], topology: Topology, ready: Mapping[str, int], unacknowledged: Mapping[str, int]
) -> ToPurge:
    """Return the queues to empty with their numbers of messages."""
    found = []
    for name in dict.fromkeys(names):
        queue = find_queue(name, topology)
        found.append(
            Full(
                name=name,
                type=topology.type_of(queue),
                ready=ready.get(name),
                unacknowledged=unacknowledged.get(name),
            )
        )
    return ToPurge(tuple(found))


def refuse_streams(names: Collection[str], topology: Topology) -> None:
    """Raise `InvalidInput` if a queue does not exist, or is a stream: RabbitMQ cannot empty those."""
    streams = [name for name in names if topology.type_of(find_queue(name, topology)) == "stream"]
    if streams:
        what = "is a stream" if len(streams) == 1 else "are streams"
        raise InvalidInput(
            f"{' and '.join(streams)} {what}, and RabbitMQ empties no stream; nothing was deleted",
            hint="a policy with max-age or max-length-bytes shortens a stream; else delete and create it again",
        )


def refuse_unavailable(names: Collection[str], topology: Topology) -> None:
    """Raise `QueueUnavailable` if a queue cannot be used now: RabbitMQ may count its messages as none."""
    for name in names:
        queue = topology.queues.get(name)
        if queue is not None and not queue.works:
            raise QueueUnavailable(
                f"queue {name} cannot be emptied: its state is {condition(queue)}; nothing was deleted",
                hint="run the command again once the node is back",
            )
