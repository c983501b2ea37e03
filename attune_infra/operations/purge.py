"""Empty queues."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from attune_infra.errors import BrokerError, BrokerUnreachable
from attune_infra.messages.purging import (
    Emptied,
    Full,
    Purged,
    ToPurge,
    refuse_streams,
    refuse_unavailable,
    to_purge,
)

if TYPE_CHECKING:
    from attune_infra.interfaces.messages import PurgingBroker


def look(broker: PurgingBroker, names: Sequence[str]) -> ToPurge:
    """Return the queues with their numbers of messages; raise `InvalidInput` if one of them cannot be emptied."""
    topology = broker.read(private=True)
    refuse_streams(names, topology)
    refuse_unavailable(names, topology)
    unacknowledged = {name: depth.unacknowledged for name, depth in broker.depths().items()}
    return to_purge(names, topology, _ready(broker, names), unacknowledged)


def purge(
    broker: PurgingBroker, wanted: ToPurge, on_progress: Callable[[int, int], None] = lambda *_: None
) -> Purged:
    """Empty each queue, and go on with the next one if RabbitMQ refuses."""
    done: list[Emptied] = []
    for queue in wanted.queues:
        done.append(_empty(broker, queue))
        on_progress(len(done), len(wanted.queues))
    return Purged(tuple(done))


def _ready(broker: PurgingBroker, names: Sequence[str]) -> dict[str, int]:
    try:
        return dict(broker.ready(names))
    except BrokerUnreachable:
        raise
    except BrokerError:  # one that this user may not count
        return {}


def _empty(broker: PurgingBroker, queue: Full) -> Emptied:
    try:
        return Emptied(queue=queue, deleted=broker.purge(queue.name))
    except BrokerError as error:
        return Emptied(queue=queue, failure=error.sentence, hint=error.hint)
