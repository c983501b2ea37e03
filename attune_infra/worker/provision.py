"""Provision workers: declare their queues, bind them, and verify both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attune_infra.errors import WorkerNotRegistered
from attune_infra.fleet.provision import Provisioned
from attune_infra.operations.progress import Watch
from attune_infra.operations.setup import apply_plan, make_plan
from attune_infra.topology.worker import topology_of_workers, worker_family

if TYPE_CHECKING:
    from attune_infra.interfaces import AskedBroker, Broker, WorkerRegistry
    from attune_infra.topology.model import Topology
    from attune_infra.topology.planning.over_amqp import Forecast
    from attune_infra.topology.planning.plan import Plan

_MAX_IDS_LISTED = 10
"""Ids that a sentence lists before it counts the rest."""


def provision(
    broker: Broker,
    registry: WorkerRegistry | None,
    topology: Topology,
    worker_ids: Sequence[int],
    *,
    plan: Plan | None = None,
    watch: Watch = lambda *_: None,
) -> Provisioned:
    """Declare and bind the queues of each worker, and read them back; see `plan_provisioning`."""
    plan = plan or plan_provisioning(broker, registry, topology, worker_ids)
    report = apply_plan(plan, broker, topology_of_workers(topology, worker_ids), watch=watch)
    return Provisioned(tuple(worker_ids), registry is not None, worker_family(topology), report)


def plan_provisioning(
    broker: Broker, registry: WorkerRegistry | None, topology: Topology, worker_ids: Sequence[int]
) -> Plan:
    """Return the plan that gives each worker its queues.

    Raise `WorkerNotRegistered` if a registry is given and lacks one of the ids.
    """
    check_registered(registry, worker_ids)
    return make_plan(broker, broker.read(), topology_of_workers(topology, worker_ids))


def provision_over_amqp(
    broker: AskedBroker,
    registry: WorkerRegistry | None,
    topology: Topology,
    worker_ids: Sequence[int],
    *,
    watch: Watch = lambda *_: None,
) -> Provisioned:
    """Declare and bind the queues of each worker without the management API; raise as `plan_provisioning` does."""
    from attune_infra.operations.setup_over_amqp import setup_over_amqp

    check_registered(registry, worker_ids)
    report = setup_over_amqp(broker, topology_of_workers(topology, worker_ids), watch=watch)
    return Provisioned(tuple(worker_ids), registry is not None, worker_family(topology), report)


def foresee_over_amqp(
    broker: AskedBroker, registry: WorkerRegistry | None, topology: Topology, worker_ids: Sequence[int]
) -> Forecast:
    """Return the outcomes that `provision_over_amqp` would have; nothing is changed."""
    from attune_infra.operations import setup_over_amqp

    check_registered(registry, worker_ids)
    return setup_over_amqp.foresee_over_amqp(broker, topology_of_workers(topology, worker_ids), topology)


def check_registered(registry: WorkerRegistry | None, worker_ids: Sequence[int]) -> None:
    """Raise `WorkerNotRegistered` if a registry is given and lacks one of the ids."""
    if registry is not None and (missing := registry.missing(worker_ids)):
        raise _not_registered(missing)


def active_workers(registry: WorkerRegistry) -> tuple[int, ...]:
    """Return the ids of all active or busy workers."""
    return tuple(sorted(member.id for member in registry.workers().values() if member.expected))


def _not_registered(missing: Sequence[int]) -> WorkerNotRegistered:
    shown = ", ".join(map(str, missing[:_MAX_IDS_LISTED]))
    if len(missing) > _MAX_IDS_LISTED:
        shown += f" and {len(missing) - _MAX_IDS_LISTED} more"
    worker, are = ("worker", "is") if len(missing) == 1 else ("workers", "are")
    return WorkerNotRegistered(
        f"{worker} {shown} {are} not in the registry; nothing was provisioned",
        hint="`attune-infra worker register` registers a worker and prints its id; without a database URL the"
        " registry is not checked",
    )
