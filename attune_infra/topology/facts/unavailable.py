"""Queues that exist and cannot be used, and bindings that a broker does not list.

RabbitMQ 3.10 lists no binding of a durable queue whose node is down, and lists them again when the node is back.
RabbitMQ 4.3 lists them all the time. Seen on clusters of two and three nodes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import lru_cache

from attune_infra.topology.facts.exchanges import PREDECLARED_EXCHANGES, find_exchange
from attune_infra.topology.model import Binding, Queue, Topology


def condition(queue: Queue) -> str:
    """Return the state of a queue that cannot be used, and the node that holds it, if the broker says it."""
    return f"{queue.state}, on node {queue.node}" if queue.node else str(queue.state)


def unlisted(topology: Topology) -> tuple[str, ...]:
    """Return the names of the queues that are down and have no binding: the broker may leave theirs out."""
    down = {queue.name for queue in topology.queues.values() if queue.state == "down"}
    return tuple(sorted(down - _bound(topology.bindings))) if down else ()


def may_be_unlisted(binding: Binding, have: Topology) -> bool:
    """Return whether the queue of a binding is down and has none, so that the broker may leave this one out."""
    queue = have.queues.get(binding.destination) if binding.destination_type == "queue" else None
    return queue is not None and queue.state == "down" and queue.name not in _bound(have.bindings)


@lru_cache(maxsize=1)
def _bound(bindings: frozenset[Binding]) -> frozenset[str]:
    """Return the names of the queues that are bound; it is asked for each missing binding of a broker."""
    return frozenset(each.destination for each in bindings if each.destination_type == "queue")


def with_unlisted(topology: Topology) -> Topology:
    """Return a topology whose exchanges lead to more than is known, if it may lack bindings."""
    if not unlisted(topology):
        return topology
    names = topology.exchanges.keys() | PREDECLARED_EXCHANGES
    found = (find_exchange(name, topology.exchanges) for name in names)
    exchanges = {each.name: replace(each, external=True) for each in found if each is not None}
    return replace(topology, exchanges=exchanges)


def without_bindings(names: Collection[str]) -> str:
    """Return a sentence about queues whose bindings are not listed."""
    if len(names) == 1:
        return f"queue {', '.join(names)} is down, and RabbitMQ lists none of its bindings"
    return f"queues {', '.join(names)} are down, and RabbitMQ lists none of their bindings"
