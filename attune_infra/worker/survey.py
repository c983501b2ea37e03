"""Survey the registry and the broker together."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from attune_infra.background import run_in_background
from attune_infra.fleet.health import examine
from attune_infra.fleet.model import Depth, Fleet, Limits, Sighting
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
    depths, topology = _read(broker)
    # after the broker, so that a worker that registers and then declares is in both
    members = registry.workers() if registry else {}

    def look() -> Fleet:
        tags = broker.consumer_tags(topology.queues)
        seen = Sighting(topology=topology, depths=depths, consumer_tags=tags, members=members)
        found = examine(seen, want, limits, worker_ids)
        return found.only(worker_ids) if worker_ids else found

    return wait_until(look, lambda fleet: not fleet.unsettled, seconds=settle)


def sight_broker(broker: CountingBroker) -> Sighting:
    """Return the objects and numbers of a broker, without any row of the registry."""
    depths, topology = _read(broker)
    tags = broker.consumer_tags(topology.queues)
    return Sighting(topology=topology, depths=depths, consumer_tags=tags, members={})


def _read(broker: CountingBroker) -> tuple[Mapping[str, Depth], Topology]:
    """Return the numbers of messages and the objects of a broker, which are asked for side by side."""
    counted = run_in_background(broker.depths)
    topology, depths = broker.read(), counted()
    if topology.queues.keys() <= depths.keys():
        return depths, topology
    return broker.depths(), topology  # a queue may have been made after the numbers were told
