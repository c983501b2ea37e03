"""Register and provision workers in one step: one worker or none, or many that are all registered at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from attune_infra.errors import BrokerError, ExitCode, RegistryError
from attune_infra.fleet.enlist import Enlisted, EnlistedWorkers
from attune_infra.fleet.provision import Provisioned
from attune_infra.fleet.register import Registration
from attune_infra.interfaces import Broker, WorkerRegistry
from attune_infra.operations.progress import Watch
from attune_infra.topology.model import Queue, Topology
from attune_infra.topology.planning.report import Outcome, Status
from attune_infra.topology.worker import worker_family
from attune_infra.worker.provision import provision


def enlist(broker: Broker, registry: WorkerRegistry, topology: Topology, registration: Registration) -> Enlisted:
    """Register and provision a worker; if the broker refuses an object, undo both.

    The registration is one database transaction, which ends only after the broker has created the objects.
    """
    made: list[Queue] = []
    try:
        with registry.registering(registration) as worker:
            provisioned = provision(broker, registry, topology, [worker.id])
            made += _created_queues(provisioned)
            if provisioned.exit_code is not ExitCode.DONE:
                raise _Refused(Enlisted(worker, provisioned, registered=False))
    except _Refused as refused:
        return replace(refused.enlisted, left=_undo(broker, made))
    except RegistryError:
        _undo(broker, made)
        raise
    except BrokerError as error:
        raise type(error)(f"{error.sentence}; the worker was not registered", hint=error.hint) from error
    return Enlisted(worker, provisioned, registered=True)


def enlist_new(
    broker: Broker,
    registry: WorkerRegistry,
    topology: Topology,
    names: Sequence[str],
    described: Registration,
    *,
    watch: Watch = lambda *_: None,
) -> EnlistedWorkers:
    """Register new workers in one transaction, all or none, and then provision them.

    Other workers write their heartbeats into the same table, so the transaction does not wait for the broker. If
    the broker refuses something, the rows stay; another provisioning goes on from there.
    """
    worker_family(topology)  # raises before anything is registered
    registered = registry.register_new(names, described)
    ids = [worker.id for worker in registered.workers]
    return EnlistedWorkers(registered, provision(broker, registry, topology, ids, watch=watch))


class _Refused(Exception):
    def __init__(self, enlisted: Enlisted) -> None:
        super().__init__()
        self.enlisted = enlisted


def _created_queues(provisioned: Provisioned) -> list[Queue]:
    created = [each.object for each in provisioned.report.outcomes if each.status is Status.CREATED]
    return [item for item in created if isinstance(item, Queue)]


def _undo(broker: Broker, made: Iterable[Queue]) -> tuple[Outcome, ...]:
    """Delete new queues; return the outcomes of those that stay, as orphans until they expire."""
    outcomes = broker.delete(made, even_if_used=False)
    return tuple(outcome for outcome in outcomes if outcome.status is not Status.DELETED)
