"""Prove the routes of a topology on the broker itself, in a temporary virtual host."""

from __future__ import annotations

from typing import Final

from attune_infra.errors import BrokerError, RequestRefused
from attune_infra.interfaces import ProbeBroker
from attune_infra.topology.diff import Create
from attune_infra.topology.model import Topology
from attune_infra.topology.planning.report import Status
from attune_infra.topology.probe import checks_of, mirror
from attune_infra.topology.verify import Check, Code, Verdict

_NAME: Final = "probe of the routes"


def probe(broker: ProbeBroker, want: Topology) -> tuple[Check, ...]:
    """Return a check for each route. A broker that cannot be probed is a result, not an exception."""
    if not want.routes:
        return (
            Check(
                Code.ROUTE_PROVEN,
                None,
                _NAME,
                Verdict.WARNING,
                "the topology has no routes, so nothing was proven",
            ),
        )
    try:
        return _probe_routes(broker, want)
    except BrokerError as error:
        return (Check(Code.ROUTE_PROVEN, None, _NAME, Verdict.UNKNOWN, error.sentence, error.hint),)


def _probe_routes(broker: ProbeBroker, want: Topology) -> tuple[Check, ...]:
    untyped = ", ".join(name for name, exchange in want.exchanges.items() if not exchange.type)
    if untyped:
        raise RequestRefused(
            f"the document does not say the type of external exchange {untyped}, so no probe can stand in for it",
            hint="add its type to the document",
        )
    mirrored = mirror(want)
    with broker.throwaway() as own:
        for outcome in own.apply(Create(item) for item in mirrored.objects()):
            if outcome.status is not Status.CREATED:
                raise RequestRefused(f"the topology could not be created for the probe: {outcome.reason}")
        return tuple(
            checks_of(want, own.arrivals([route.publish for route in want.routes], tuple(mirrored.queues)))
        )
