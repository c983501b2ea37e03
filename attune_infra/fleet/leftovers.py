"""Leftovers of workers: queues of workers that are gone, and bindings that are not a worker's own."""

from __future__ import annotations

from collections.abc import Iterator

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode
from attune_infra.fleet.health import extra_bindings
from attune_infra.fleet.model import Fleet, FleetWorker
from attune_infra.topology.model import Binding, Queue, Topology
from attune_infra.topology.planning.digest import canonical_object, digest_of, insist_on_digest
from attune_infra.topology.planning.report import Loss
from attune_infra.topology.target import Target
from attune_infra.topology.worker import topology_of_workers


@dataclass(frozen=True, slots=True)
class Leftover:
    """A queue or a binding to delete, the reason, and the loss that comes with it."""

    object: Queue | Binding
    why: str
    loss: Loss

    @property
    def used(self) -> bool:
        """True if it is in use, or may be: nobody knows whether an unknown number is 0."""
        return self.loss.messages is None or bool(self.loss.messages or self.loss.consumers)


@dataclass(frozen=True, slots=True)
class Leftovers:
    """Objects to delete, in the order of deletion; queues in use are deleted only with `even_if_used`.

    The exit code is that of deleting them, if nothing fails on the way.
    """

    items: tuple[Leftover, ...]
    even_if_used: bool = False
    target: Target | None = None

    @property
    def digest(self) -> str:
        """A name for exactly these deletions on this virtual host."""
        return digest_of(self.target, (canonical_object(item.object) for item in self.items), [self.even_if_used])

    def insist_on(self, digest: str | None, *, again: str) -> None:
        """Raise `PlanRefused` if the user has seen another list; `again` is the command that shows this one."""
        insist_on_digest(self.digest, digest, again=again)

    @property
    def exit_code(self) -> ExitCode:
        used = sum(item.used for item in self.items)
        if self.even_if_used or not used:
            return ExitCode.DONE
        return ExitCode.PARTLY_DONE if used < len(self.items) else ExitCode.REFUSED


def leftovers_of_gone_workers(fleet: Fleet, want: Topology, *, even_if_used: bool = False) -> Leftovers:
    """Return the queues of workers that are gone, and the bindings to workers' queues that are not their own."""
    items = [*_extra_bindings(fleet, want)]
    for worker in fleet.workers:
        if worker.gone:
            items += _queues(worker, f"{worker.title} is {_status(worker)}")
    return Leftovers(tuple(items), even_if_used)


def queues_of_workers(fleet: Fleet, *, even_if_used: bool = False) -> Leftovers:
    """Return all queues of the workers in a fleet."""
    items = [item for worker in fleet.workers for item in _queues(worker, f"it is {worker.title}'s")]
    return Leftovers(tuple(items), even_if_used)


def _status(worker: FleetWorker) -> str:
    return worker.member.status if worker.member else "not in the registry"


def _queues(worker: FleetWorker, why: str) -> Iterator[Leftover]:
    for found in worker.queues:
        messages = found.depth.total if found.is_counted else None
        loss = Loss(messages=messages, consumers=len(found.consumer_tags), bindings=len(found.bindings))
        yield Leftover(found.queue, why, loss)


def _extra_bindings(fleet: Fleet, want: Topology) -> Iterator[Leftover]:
    own = topology_of_workers(want, [worker.id for worker in fleet.workers])
    for worker in fleet.workers:
        if worker.gone:
            continue
        for binding in extra_bindings(worker, own):
            yield Leftover(binding, f"it is not {worker.title}'s", Loss(messages=0, consumers=0, bindings=0))
