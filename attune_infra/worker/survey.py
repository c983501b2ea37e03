"""Survey the registry and the broker together."""

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
    """Return the fleet, or the workers of the given ids. Thousands of workers take as many requests as one.

    Without a registry no worker has a row. Findings that rest on statistics are checked again for up to `settle`
    seconds, because statistics lag behind.
    """
    topology = broker.read()  # before the registry, so that a worker that registers and then declares is in both
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
