"""What workers that are gone left behind, and what of a given worker's there is to be taken away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from attune_infra.errors import ExitCode
from attune_infra.fleet.fleet import Fleet, FleetWorker
from attune_infra.fleet.health import extra_bindings
from attune_infra.topology.model import Binding, Queue, Topology
from attune_infra.topology.report import Loss
from attune_infra.topology.worker import topology_of_workers


@dataclass(frozen=True, slots=True)
class Leftover:
    """A queue or a binding that may go, why, and what would go with it."""

    object: Queue | Binding
    why: str
    loss: Loss

    @property
    def used(self) -> bool:
        return bool(self.loss.messages or self.loss.consumers)


@dataclass(frozen=True, slots=True)
class Leftovers:
    """All that may go, in the order in which it can."""

    items: tuple[Leftover, ...]

    def foreseen_exit_code(self, *, even_if_used: bool) -> ExitCode:
        """Return what taking them away would exit with, if nothing fails on the way."""
        used = sum(item.used for item in self.items)
        if even_if_used or not used:
            return ExitCode.DONE
        return ExitCode.PARTLY_DONE if used < len(self.items) else ExitCode.REFUSED


def of_the_gone(fleet: Fleet, want: Topology) -> Leftovers:
    """Return the queues of workers that are gone, and bindings to workers' queues that are not their own."""
    gone = (each for each in fleet.workers if each.gone)
    queues = (item for worker in gone for item in _queues(worker, _why_gone(worker)))
    return Leftovers((*_extra_bindings(fleet, want), *queues))


def of_workers(fleet: Fleet) -> Leftovers:
    """Return all queues of some workers."""
    workers = fleet.workers
    return Leftovers(tuple(item for worker in workers for item in _queues(worker, f"it is {worker.title}'s")))


def _why_gone(worker: FleetWorker) -> str:
    return f"{worker.title} is {worker.member.status if worker.member else 'not in the registry'}"


def _queues(worker: FleetWorker, why: str) -> Iterator[Leftover]:
    for found in worker.queues:
        loss = Loss(messages=found.depth.total, consumers=len(found.consumer_tags), bindings=len(found.bindings))
        yield Leftover(found.queue, why, loss)


def _extra_bindings(fleet: Fleet, want: Topology) -> Iterator[Leftover]:
    own = topology_of_workers(want, [worker.id for worker in fleet.workers])
    for worker in fleet.workers:
        for binding in () if worker.gone else extra_bindings(worker, own):
            yield Leftover(binding, f"it is not {worker.title}'s", Loss(messages=0, consumers=0, bindings=0))
