"""Register and provision a worker in one step that is done whole, or not at all."""

from __future__ import annotations

from collections.abc import Iterable

from attune_infra.errors import BrokerError, ExitCode, RegistryError
from attune_infra.fleet.enlist import Enlisted
from attune_infra.fleet.provision import Provisioned
from attune_infra.fleet.register import Registration
from attune_infra.interfaces import Broker, WorkerRegistry
from attune_infra.topology.model import Queue, Topology
from attune_infra.topology.report import Status
from attune_infra.worker.provision import provision


def enlist(broker: Broker, registry: WorkerRegistry, topology: Topology, registration: Registration) -> Enlisted:
    """Register a worker and give it what it owns; if the broker refuses any of that, all is undone.

    The registration is one transaction of the database, which ends only when the broker has done its part.
    """
    made: list[Queue] = []
    try:
        with registry.registering(registration) as worker:
            provisioned = provision(broker, registry, topology, [worker.id])
            made += _made(provisioned)
            if provisioned.exit_code is not ExitCode.DONE:
                raise _Refused(Enlisted(worker, provisioned, registered=False))
    except _Refused as refused:
        _undo(broker, made)
        return refused.enlisted
    except RegistryError:
        _undo(broker, made)
        raise
    except BrokerError as error:
        raise type(error)(f"{error.sentence}; the worker was not registered", hint=error.hint) from error
    return Enlisted(worker, provisioned, registered=True)


class _Refused(Exception):
    def __init__(self, enlisted: Enlisted) -> None:
        super().__init__()
        self.enlisted = enlisted


def _made(provisioned: Provisioned) -> list[Queue]:
    outcomes = provisioned.report.outcomes
    return [each.object for each in outcomes if isinstance(each.object, Queue) and each.status is Status.CREATED]


def _undo(broker: Broker, made: Iterable[Queue]) -> None:
    """Delete what was made; what cannot be deleted expires, and is an orphan until then."""
    for _ in broker.delete(made, even_if_used=False):
        pass
