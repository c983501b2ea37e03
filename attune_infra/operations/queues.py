"""Look at the queues of a broker once: their objects and their numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from attune_infra.background import run_in_background
from attune_infra.fleet.queues import Queues, examine

if TYPE_CHECKING:
    from attune_infra.interfaces import WatchedBroker


def look_at_queues(broker: WatchedBroker, on_progress: Callable[[int, int], None] = lambda *_: None) -> Queues:
    """Return all queues of the virtual host, private ones included; raise `BrokerError` if it does not answer."""
    numbers = run_in_background(lambda: broker.numbers(on_progress))
    topology = broker.read(private=True)
    return examine(topology, numbers())
