"""The routes of a document, run as tests: broken routes, and the reasons.

A route names all the queues that its message reaches. If it names the queue of a worker, that worker is assumed to
exist with its queues and bindings. Queues of other workers come and go, and are ignored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from attune_infra.dataclass import dataclass
from attune_infra.topology.facts.exchanges import show_exchange_name
from attune_infra.topology.facts.releases import NEWEST, Version
from attune_infra.topology.facts.unavailable import condition
from attune_infra.topology.model import Binding, Message, Route, Topology, WorkerFamily, label
from attune_infra.topology.routing.route import Routed, Routing
from attune_infra.topology.routing.why import why, why_not
from attune_infra.topology.worker import owner_of, topology_of_workers, with_workers


@dataclass(frozen=True, slots=True)
class RouteResult:
    """A route, and a sentence for each queue that it is wrong about."""

    route: Route
    problems: tuple[str, ...] = ()


def route_name(route: Route) -> str:
    """Return the name of a route for sentences."""
    return f"route of {describe_message(route.publish)}"


def describe_message(message: Message) -> str:
    """Return the exchange, the routing key and the headers of a message, in words."""
    words = []
    if message.routing_key:
        words.append(f"routing key {message.routing_key}")
    if message.headers:
        words.append(f"headers {dict(message.headers)}")
    exchange = show_exchange_name(message.exchange)
    return f"{exchange} with {' and '.join(words)}" if words else exchange


def workers_of(queues: Iterable[str], family: WorkerFamily | None) -> frozenset[int]:
    """Return the ids of the workers that own any of these queues."""
    owners = {owner_of(family, queue) for queue in queues} if family else set()
    return frozenset(owner for owner in owners if owner is not None)


def run_routes(want: Topology, *, version: Version = NEWEST) -> Iterator[RouteResult]:
    """Run the routes of a topology on the topology itself."""
    routings: dict[frozenset[int], Routing] = {}
    for route in want.routes:
        ids = workers_of(route.reaches, want.workers)
        if ids not in routings:
            routings[ids] = Routing(with_workers(want, sorted(ids)), version=version)
        yield _run_route(route, routings[ids], routings[ids], want)


def run_routes_on(have: Routing, want: Topology, *, provisioned: frozenset[int]) -> Iterator[RouteResult]:
    """Run the routes of a topology on a broker's topology.

    The workers `provisioned` must exist on the broker. Any other worker that a route names is assumed to exist.
    """
    routings: dict[frozenset[int], tuple[Routing, Routing]] = {}
    for route in want.routes:
        ids = workers_of(route.reaches, want.workers)
        if ids not in routings:
            wanted = Routing(with_workers(want, sorted(ids)), version=have.version)
            routings[ids] = (_with_assumed_workers(have, want, ids - provisioned), wanted)
        yield _run_route(route, *routings[ids], want)


def compare_with_route(
    route: Route, reached: Collection[str], want: Topology, *, possible: Collection[str] = ()
) -> tuple[list[str], list[str]]:
    """Return the queues of a route that a message did not reach, and the queues that it reached in addition.

    Additional queues count only if the topology or the workers of the route declare them.
    """
    missing, surplus = compare_queues(route.reaches, reached, possible)
    ids, family = workers_of(route.reaches, want.workers), want.workers
    declared = [name for name in surplus if name in want.queues or (family and owner_of(family, name) in ids)]
    return missing, declared


def compare_queues(
    expected: Collection[str], reached: Collection[str], possible: Collection[str]
) -> tuple[list[str], list[str]]:
    """Return the expected queues that are neither reached nor possible, and the reached ones not expected."""
    missing = [name for name in expected if name not in reached and name not in possible]
    return missing, [name for name in sorted(reached) if name not in expected]


def describe_discrepancies(
    routed: Routed, missing: Iterable[str], surplus: Iterable[str], have: Routing, wanted: Routing
) -> tuple[str, ...]:
    """Return a sentence for each queue that a message does not reach, and for each that it should not reach."""
    return (
        *(f"does not reach queue {queue}: {_why_missing(queue, routed, have, wanted)}" for queue in missing),
        *(f"also reaches queue {queue}: {_why_surplus(queue, routed)}" for queue in surplus),
    )


def _with_assumed_workers(have: Routing, want: Topology, ids: frozenset[int]) -> Routing:
    """Return a broker's topology with the queues and bindings of these workers, if they have no queue there."""
    absent = [
        worker_id
        for worker_id in sorted(ids)
        if not topology_of_workers(want, [worker_id]).queues.keys() & have.topology.queues.keys()
    ]
    if not absent:
        return have
    return Routing(with_workers(replace(have.topology, workers=want.workers), absent), version=have.version)


def _run_route(route: Route, have: Routing, wanted: Routing, want: Topology) -> RouteResult:
    routed = have.publish(route.publish)
    if routed.refused is not None and route.reaches:
        return RouteResult(route, (f"publishes a message that RabbitMQ refuses: {routed.refused}",))
    missing, surplus = compare_with_route(route, routed.queues, want, possible=routed.possible)
    return RouteResult(route, describe_discrepancies(routed, missing, surplus, have, wanted))


def _why_missing(queue: str, routed: Routed, have: Routing, want: Routing) -> str:
    """Explain why a queue is not reached: the queue or a wanted binding is missing, or no binding matches."""
    if queue not in have.topology.queues:
        return "the queue is missing"
    if not have.topology.queues[queue].works:
        return f"the state of the queue is {condition(have.topology.queues[queue])}"
    for binding in _bindings_towards(queue, want.publish(routed.message)):
        if binding not in have.topology.bindings:
            return f"{label(binding)} is missing"
    for hop in routed.hops:
        for binding in have.bindings_of(hop.exchange.name):
            if (binding.destination_type, binding.destination) == ("queue", queue) and binding not in hop.matched:
                reason = why_not(binding, hop.exchange, routed.message, have.version)
                return f"{label(binding)} does not match: {reason}"
    return f"no binding {routed.message.exchange} -> {queue} matches"


def _bindings_towards(queue: str, routed: Routed) -> Iterator[Binding]:
    """Yield the bindings through which a message came to a queue."""
    wanted, found = {("queue", queue)}, True
    hops = list(routed.hops)
    while found:
        found = False
        for hop in list(hops):
            matched = [item for item in hop.matched if (item.destination_type, item.destination) in wanted]
            if matched or ("exchange", hop.alternate) in wanted:
                yield from matched
                wanted.add(("exchange", hop.exchange.name))
                hops.remove(hop)
                found = True


def _why_surplus(queue: str, routed: Routed) -> str:
    for hop in routed.hops:
        for binding in hop.matched:
            if (binding.destination_type, binding.destination) == ("queue", queue):
                return f"{label(binding)} matches: {why(binding, hop.exchange, routed.message)}"
    return "its name is the routing key"
