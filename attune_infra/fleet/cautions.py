"""The messages that a worker's queues may lose, and those that cannot be counted: said when the worker starts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from attune_infra.topology.facts.releases import FIRST_WITH_DEFAULT_DELIVERY_LIMIT, version_of
from attune_infra.topology.model import Message, Queue, Topology
from attune_infra.topology.routing.route import Routing
from attune_infra.topology.routing.trace import DEFAULT_DELIVERY_LIMIT

DEAD_LETTER_EXCHANGE: Final = "x-dead-letter-exchange"
CONSUMER_TIMEOUT: Final = 1800.0
"""Seconds in which RabbitMQ wants a delivered message settled, unless it is configured otherwise."""


def cautions_about(
    queues: Sequence[Queue], *, version: str, nowhere: Collection[str], max_attempts: int | None
) -> Iterator[str]:
    """Yield a sentence for each danger. `nowhere` are the queues whose dead letter exchange leads to no queue."""
    for queue in queues:
        if queue.name in nowhere:
            yield (
                f"RabbitMQ drops the messages that are rejected in queue {queue.name}: its dead letter exchange "
                f"{queue.arguments[DEAD_LETTER_EXCHANGE]} leads to no queue"
            )
        limit = _delivery_limit(queue, version)
        if limit is not None and (max_attempts is None or max_attempts > limit):
            yield (
                f"RabbitMQ drops a message of queue {queue.name} after {limit + 1} deliveries without success, "
                f"unless a policy names a dead letter exchange: give --max-attempts {max(limit, 1)} or fewer"
            )
        if max_attempts is not None and max_attempts > 1 and not (_is_counted(queue) or queue.auto_delete):
            yield (
                f"RabbitMQ counts no deliveries of queue {queue.name}, which is not declared as a quorum queue: "
                "this worker counts those that it begins, and forgets them when it is killed"
            )


def warn_of_hold(seconds: float) -> str | None:
    """Return a sentence if messages may be held for longer than RabbitMQ's consumer timeout by default."""
    if seconds < CONSUMER_TIMEOUT:
        return None
    return (
        f"a message may wait and run for {seconds:g} s (--handler-timeout times --prefetch): RabbitMQ "
        f"delivers it again after its consumer_timeout, {CONSUMER_TIMEOUT:g} s unless configured otherwise"
    )


def leads_nowhere(topology: Topology, queue: Queue, routing_key: str) -> bool:
    """Return true if, by the topology, no dead letter of a queue reaches another one."""
    key = str(queue.arguments.get("x-dead-letter-routing-key", routing_key))
    routed = Routing(topology).route(Message(exchange=str(queue.arguments[DEAD_LETTER_EXCHANGE]), routing_key=key))
    return not (routed.queues or routed.possible or routed.leaves)


def _is_counted(queue: Queue) -> bool:
    return queue.type == "quorum"


def _delivery_limit(queue: Queue, version: str) -> int | None:
    """Return the deliveries after which RabbitMQ drops a message; None if it never does, by the arguments."""
    if not _is_counted(queue) or DEAD_LETTER_EXCHANGE in queue.arguments:
        return None
    given = queue.arguments.get("x-delivery-limit")
    has_default = version_of(version) >= FIRST_WITH_DEFAULT_DELIVERY_LIMIT
    limit = given if isinstance(given, int) else DEFAULT_DELIVERY_LIMIT if has_default else -1
    return limit if limit >= 0 else None
