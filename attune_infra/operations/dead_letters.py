"""Find the dead letter queues of a virtual host, and count their messages by the way they died."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from attune_infra.errors import AccessRefused, PlanRefused, QueueUnavailable, RequestRefused
from attune_infra.messages.dead_letters import Census, DeadLetterQueue, DeadLetterQueues
from attune_infra.messages.peeking import peekable
from attune_infra.operations.queues import look_at_queues
from attune_infra.topology.facts.unavailable import condition, unlisted

if TYPE_CHECKING:
    from attune_infra.fleet.queues import WatchedQueue
    from attune_infra.interfaces.messages import DeadLetterBroker
    from attune_infra.topology.model import Topology


def list_dead_letters(
    broker: DeadLetterBroker, *, look: int, on_progress: Callable[[int, int], None] = lambda *_: None
) -> DeadLetterQueues:
    """Return the dead letter queues; read at most `look` messages of each, and remove none.

    Raise `BrokerError` if the broker does not answer. A queue that cannot be read, or not without a change, is
    listed with the reason.
    """
    found = look_at_queues(broker, on_progress)
    chosen = [*_dead_letter_queues(found.queues)]
    ready = broker.ready([each.name for each in chosen if each.queue.works]) if look else {}
    queues = [_counted(broker, each, found.topology, look, ready.get(each.name, each.ready)) for each in chosen]
    ordered = sorted(queues, key=lambda queue: (-(queue.ready or 0), queue.name))
    return DeadLetterQueues(tuple(ordered), unlisted=unlisted(found.topology))


def _dead_letter_queues(queues: tuple[WatchedQueue, ...]) -> Iterator[WatchedQueue]:
    """Yield the queues that get dead letters of others."""
    return (each for each in queues if set(each.dead_letters_of) - {each.name})


def _counted(
    broker: DeadLetterBroker, queue: WatchedQueue, topology: Topology, look: int, ready: int | None
) -> DeadLetterQueue:
    census, unread = Census(), None
    if not queue.queue.works:
        unread = f"its messages were not read: its state is {condition(queue.queue)}"
    elif look and ready != 0:
        unread = _read(broker, queue.name, topology, census, look)
    passes_on = queue.effective.get("x-dead-letter-exchange")
    return DeadLetterQueue(
        name=queue.name,
        type=queue.type,
        sources=tuple(name for name in queue.dead_letters_of if name != queue.name),
        passes_on=passes_on if isinstance(passes_on, str) else None,
        ready=ready,
        unacknowledged=queue.unacknowledged,
        consumers=queue.numbers.consumers,
        looked_at=census.looked_at,
        groups=census.groups(),
        unread=unread,
    )


def _read(broker: DeadLetterBroker, name: str, topology: Topology, census: Census, look: int) -> str | None:
    """Count messages; return the reason why not all of those that were meant could be read."""
    try:
        queue = peekable(name, topology)
        if queue.price is not None:
            return f"its messages were not read: {queue.price}"
        with broker.peeking(queue) as held:
            for message in held.read(look):
                census.add(message)
    except (PlanRefused, AccessRefused, QueueUnavailable, RequestRefused) as error:  # the others can be read
        return f"its messages were not read: {error.sentence}"
    return None
