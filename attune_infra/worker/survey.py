"""Look at registry and broker together."""

from __future__ import annotations

from collections.abc import Collection

from attune_infra.errors import AttuneError
from attune_infra.fleet.health import examine
from attune_infra.fleet.model import Fleet, Limits, Sighting
from attune_infra.interfaces import CountingBroker, WorkerRegistry
from attune_infra.operations.wait import wait_for
from attune_infra.topology.model import Topology


def survey(
    broker: CountingBroker,
    registry: WorkerRegistry | None,
    want: Topology,
    limits: Limits,
    *,
    worker_ids: Collection[int] = (),
    settle: float = 0.0,
) -> Fleet:
    """Return the whole fleet, or these workers of it, in as many requests for one worker as for thousands.

    Without a registry nobody is in it. While something is wrong that the broker may only not have counted yet, it
    is asked again for `settle` seconds.
    """
    topology = broker.read()  # before the registry: who registers first, and then declares, is in both
    depths, members = broker.depths(), registry.workers() if registry else {}

    def attempt() -> Fleet:
        tags = broker.consumer_tags(topology.queues)
        seen = Sighting(topology=topology, depths=depths, consumer_tags=tags, members=members)
        found = examine(seen, want, limits, worker_ids)
        found = found.only(worker_ids) if worker_ids else found
        if found.unsettled:
            raise _StatisticsLag(found)
        return found

    try:
        return wait_for(attempt, seconds=settle)
    except _StatisticsLag as lag:
        return lag.fleet


class _StatisticsLag(AttuneError):
    may_pass = True

    def __init__(self, fleet: Fleet) -> None:
        super().__init__("the statistics may not know all consumers yet")
        self.fleet = fleet
