"""The topology that a probe creates on a broker to test routes, and the checks of what arrives there.

It holds everything that routing depends on: exchanges, bindings, policies of exchanges, and every queue of a
binding or a route. The queues have no arguments, so that messages neither expire nor get dropped before the probe
looks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.topology.model import Policy, Queue, Route, Topology
from attune_infra.topology.routing.routes import compare_with_route, route_name, workers_of
from attune_infra.topology.verify import Check, Code, Verdict
from attune_infra.topology.worker import with_workers

_ALTERNATE: Final = "alternate-exchange"


@dataclass(frozen=True, slots=True)
class Arrival:
    """The queues in which a message arrived, or the reason why the broker refused it."""

    queues: tuple[str, ...]
    refused: str | None = None


def mirror(want: Topology) -> Topology:
    """Return a copy of a topology that routes messages alike, with the workers that its routes name."""
    ids = frozenset[int]().union(*(workers_of(route.reaches, want.workers) for route in want.routes))
    whole = with_workers(want, sorted(ids)).without_access()
    return replace(
        whole,
        exchanges={name: replace(exchange, external=False) for name, exchange in whole.exchanges.items()},
        queues={name: Queue(name=name, type="classic") for name in whole.queues},
        policies=dict(_routing_policies(whole)),
    )


def _routing_policies(topology: Topology) -> Iterator[tuple[str, Policy]]:
    """Yield the policies that may change the way of a message: those of exchanges.

    Of these, only an alternate exchange does. Without any, no policy is needed; with one, each may be in effect
    in its place, even one of a plugin that the broker may lack.
    """
    found = {name: each for name, each in topology.policies.items() if each.apply_to in {"all", "exchanges"}}
    if any(_ALTERNATE in each.definition for each in found.values()):
        yield from ((name, replace(each, apply_to="exchanges")) for name, each in found.items())


def checks_of(want: Topology, arrivals: Iterable[Arrival]) -> Iterator[Check]:
    """Yield a check for each route of a topology; `arrivals` are in the order of the routes."""
    for route, arrival in zip(want.routes, arrivals, strict=True):
        if arrival.refused is not None and route.reaches:
            problem: str | None = f"publishes a message that RabbitMQ refuses: {arrival.refused}"
        else:
            problem = _problem(route, arrival.queues, want)
        verdict = Verdict.FAILED if problem else Verdict.PASSED
        arrived = f"arrived in {', '.join(arrival.queues)}" if arrival.queues else "arrived in no queue"
        yield Check(Code.ROUTE_PROVEN, route, f"probed {route_name(route)}", verdict, problem or arrived)


def _problem(route: Route, arrived: Collection[str], want: Topology) -> str | None:
    missing, surplus = compare_with_route(route, arrived, want)
    words = [f"did not arrive in queue {queue}" for queue in missing]
    words += [f"also arrived in queue {queue}" for queue in surplus]
    return "; ".join(words) or None
