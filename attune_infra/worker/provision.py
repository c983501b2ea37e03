"""Give workers the queues and bindings that are their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attune_infra.errors import WorkerNotRegistered
from attune_infra.fleet.provision import Provisioned
from attune_infra.operations.setup import Watch, setup
from attune_infra.topology.worker import topology_of_workers, worker_family

if TYPE_CHECKING:
    from attune_infra.interfaces import Broker, WorkerRegistry
    from attune_infra.topology.model import Topology

_SHOWN = 10
"""Ids that a sentence names before it counts the rest."""


def provision(
    broker: Broker,
    registry: WorkerRegistry | None,
    topology: Topology,
    worker_ids: Sequence[int],
    *,
    watch: Watch = lambda *_: None,
) -> Provisioned:
    """Declare and bind what each worker owns, and read it back.

    Raise `WorkerNotRegistered`, with nothing changed, if a registry is given that lacks one of the ids.
    """
    if registry is not None and (missing := registry.missing(worker_ids)):
        raise _not_registered(missing)
    report = setup(broker, topology_of_workers(topology, worker_ids), watch=watch)
    return Provisioned(tuple(worker_ids), registry is not None, worker_family(topology), report)


def active_workers(registry: WorkerRegistry) -> tuple[int, ...]:
    """Return the ids of all workers that are expected to work."""
    return tuple(sorted(member.id for member in registry.workers().values() if member.expected))


def _not_registered(missing: Sequence[int]) -> WorkerNotRegistered:
    shown = ", ".join(map(str, missing[:_SHOWN]))
    if len(missing) > _SHOWN:
        shown += f" and {len(missing) - _SHOWN} more"
    worker, are = ("worker", "is") if len(missing) == 1 else ("workers", "are")
    return WorkerNotRegistered(
        f"{worker} {shown} {are} not in the registry; nothing was provisioned",
        hint="`attune-infra worker register` registers a worker and prints its id; without --database-url"
        " (and its variable and setting) the registry is not asked",
    )
