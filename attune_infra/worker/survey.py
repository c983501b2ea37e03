"""Survey the registry and the broker together."""

from __future__ import annotations

from collections.abc import Collection

from attune_infra.fleet.health import examine
from attune_infra.fleet.model import Fleet, Limits, Sighting
from attune_infra.interfaces import CountingBroker, WorkerRegistry
from attune_infra.operations.wait import wait_until
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

    def look() -> Fleet:
        tags = broker.consumer_tags(topology.queues)
        seen = Sighting(topology=topology, depths=depths, consumer_tags=tags, members=members)
        found = examine(seen, want, limits, worker_ids)
        return found.only(worker_ids) if worker_ids else found

    return wait_until(look, lambda fleet: not fleet.unsettled, seconds=settle)


def sight_broker(broker: CountingBroker) -> Sighting:
    """Return the objects and numbers of a broker, without any row of the registry."""
    topology = broker.read()
    tags = broker.consumer_tags(topology.queues)
    return Sighting(topology=topology, depths=broker.depths(), consumer_tags=tags, members={})
