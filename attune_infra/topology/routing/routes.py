"""The routes of a document, run as tests: which of them are broken, and what is missing for them.

A route names all the queues that its message reaches. Where it names a worker's queue, that worker is taken to
be there with all that is its own; queues of other workers come and go, and are not looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from attune_infra.topology.facts.exchanges import show_exchange_name
from attune_infra.topology.facts.releases import NEWEST, Version
from attune_infra.topology.model import Binding, Message, Route, Topology, WorkerFamily, label
from attune_infra.topology.routing.route import Routed, Routing
from attune_infra.topology.routing.why import why, why_not
from attune_infra.topology.worker import owner_of, topology_of_workers, with_workers


@dataclass(frozen=True, slots=True)
class RouteResult:
    """A route, and what is wrong with it: words for each queue that is not as it says."""

    route: Route
    problems: tuple[str, ...] = ()


def name_of(route: Route) -> str:
    """Return what a route is called in a sentence."""
    return f"route of {called(route.publish)}"


def called(message: Message) -> str:
    """Return what a message is called in a sentence."""
    words = [f"routing key {message.routing_key}"] if message.routing_key else []
    words += [f"headers {dict(message.headers)}"] if message.headers else []
    return " with ".join([show_exchange_name(message.exchange), *([" and ".join(words)] if words else [])])


def workers_of(queues: Iterable[str], family: WorkerFamily | None) -> frozenset[int]:
    """Return the ids of the workers whose queues these are."""
    owners = {owner_of(family, queue) for queue in queues} if family else set()
    return frozenset(owner for owner in owners if owner is not None)


def run(want: Topology, *, version: Version = NEWEST) -> Iterator[RouteResult]:
    """Run the routes of a topology on itself."""
    routings: dict[frozenset[int], Routing] = {}
    for route in want.routes:
        ids = workers_of(route.reaches, want.workers)
        if ids not in routings:
            routings[ids] = Routing(with_workers(want, sorted(ids)), version=version)
        yield _tested(route, routings[ids], routings[ids], want)


def run_on(have: Routing, want: Topology, *, provisioned: frozenset[int]) -> Iterator[RouteResult]:
    """Run the routes of a topology on what a broker holds.

    The workers `provisioned` have to be there; another one that a route names is taken to be, unless it is.
    """
    routings: dict[frozenset[int], tuple[Routing, Routing]] = {}
    for route in want.routes:
        ids = workers_of(route.reaches, want.workers)
        if ids not in routings:
            wanted = Routing(with_workers(want, sorted(ids)), version=have.version)
            routings[ids] = (_with_supposed(have, want, ids - provisioned), wanted)
        yield _tested(route, *routings[ids], want)


def unlike(
    route: Route, reached: Collection[str], want: Topology, *, possible: Collection[str] = ()
) -> tuple[list[str], list[str]]:
    """Return the queues that a message should have reached and did not, and those it should not have.

    Of the latter only those count that the topology or the workers of the route declare.
    """
    missing, surplus = differing(route.reaches, reached, possible)
    ids, family = workers_of(route.reaches, want.workers), want.workers
    declared = [name for name in surplus if name in want.queues or (family and owner_of(family, name) in ids)]
    return missing, declared


def differing(
    expected: Collection[str], reached: Collection[str], possible: Collection[str]
) -> tuple[list[str], list[str]]:
    """Return what is expected and not even possible, and what is reached and not expected."""
    missing = [name for name in expected if name not in reached and name not in possible]
    return missing, [name for name in sorted(reached) if name not in expected]


def discrepancies(
    routed: Routed, missing: Iterable[str], surplus: Iterable[str], have: Routing, wanted: Routing
) -> tuple[str, ...]:
    """Return the words for queues that a message does not reach, and for those that it should not."""
    return (
        *(f"does not reach queue {queue}: {_lacking(queue, routed, have, wanted)}" for queue in missing),
        *(f"reaches queue {queue} too: {_surplus(queue, routed)}" for queue in surplus),
    )


def _with_supposed(have: Routing, want: Topology, ids: frozenset[int]) -> Routing:
    """Return what a broker holds, and what is the own of those of the workers that have no queue there."""
    absent = [
        worker_id
        for worker_id in sorted(ids)
        if not topology_of_workers(want, [worker_id]).queues.keys() & have.topology.queues.keys()
    ]
    if not absent:
        return have
    return Routing(with_workers(replace(have.topology, workers=want.workers), absent), version=have.version)


def _tested(route: Route, have: Routing, wanted: Routing, want: Topology) -> RouteResult:
    routed = have.publish(route.publish)
    if routed.refused is not None and route.reaches:
        return RouteResult(route, (f"is refused by RabbitMQ: {routed.refused}",))
    missing, surplus = unlike(route, routed.queues, want, possible=routed.possible)
    return RouteResult(route, discrepancies(routed, missing, surplus, have, wanted))


def _lacking(queue: str, routed: Routed, have: Routing, want: Routing) -> str:
    """Return what is missing: a binding that is wanted, one that would match, or any at all."""
    if queue not in have.topology.queues:
        return "it is missing"
    if not have.topology.queues[queue].works:
        return f"its state is {have.topology.queues[queue].state}"
    towards = list(_towards(queue, want.publish(routed.message)))
    if gone := [binding for binding in towards if binding not in have.topology.bindings]:
        return f"{label(gone[0])} is missing"
    for hop in routed.hops:
        for binding in have.bindings_of(hop.exchange.name):
            if (binding.destination_type, binding.destination) == ("queue", queue) and binding not in hop.matched:
                reason = why_not(binding, hop.exchange, routed.message, have.version)
                return f"{label(binding)} does not match: {reason}"
    return f"a binding {routed.message.exchange} -> {queue} that matches is missing"


def _towards(queue: str, routed: Routed) -> Iterator[Binding]:
    """Yield the bindings by which a message came to a queue."""
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


def _surplus(queue: str, routed: Routed) -> str:
    for hop in routed.hops:
        for binding in hop.matched:
            if (binding.destination_type, binding.destination) == ("queue", queue):
                return f"{label(binding)} matches: {why(binding, hop.exchange, routed.message)}"
    return "as its name is the routing key"
