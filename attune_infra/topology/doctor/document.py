"""Verdicts on the document: the declarations that this broker would refuse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from attune_infra.dataclass import dataclass
from attune_infra.errors import AttuneError
from attune_infra.topology.diff import Await, Delete, diff
from attune_infra.topology.doctor.diagnosis import Check, Topic, ok, problem, unknown
from attune_infra.topology.doctor.scope import EXAMPLE_ID, Scope
from attune_infra.topology.doctor.seen import Broker
from attune_infra.topology.facts.refusals import ForeseenRefusal, RefusalCode, Restrictions, foresee_refusals
from attune_infra.topology.model import Topology, TopologyObject, label
from attune_infra.topology.worker import objects_of


@dataclass(frozen=True, slots=True)
class Wanted:
    """The objects that a command declares: of the document, of the named workers, and of an example worker."""

    named: Topology
    example: Topology
    """All of them, with the objects of an example worker if none is named."""

    @classmethod
    def of(cls, topology: Topology, scope: Scope, worker_ids: Sequence[int]) -> Wanted:
        """Return the objects for a command; without workers in the topology, those of workers are left out."""
        base = (
            topology
            if scope.declares_document
            else replace(topology.without_controls(), queues={}, bindings=frozenset(), policies={})
        )
        if topology.workers is None or not scope.declares_workers:
            return cls(base, base)
        family = topology.workers
        named = base.plus(item for each in worker_ids for item in objects_of(family, each))
        return cls(named, named if worker_ids else base.plus(objects_of(family, EXAMPLE_ID)))


def foresee(broker: Broker, wanted: Wanted) -> tuple[ForeseenRefusal, ...] | AttuneError:
    """Return the refusals that are certain; the failure to read the broker, if they cannot be foreseen.

    An example worker does not count against the limit of queues.
    """
    have = broker.topology
    if isinstance(have, AttuneError):
        return have
    known = Restrictions() if isinstance(broker.restrictions, AttuneError) else broker.restrictions
    found = foresee_refusals(_to_declare(have, wanted.named), have, wanted.named, known)
    unlimited = replace(known, max_queues=None)
    again = foresee_refusals(_to_declare(have, wanted.example), have, wanted.example, unlimited)
    return (*found, *(each for each in again if each.object not in {refusal.object for refusal in found}))


def _to_declare(have: Topology, want: Topology) -> list[TopologyObject]:
    return [
        change.want for change in diff(have, want.without_controls()) if not isinstance(change, Delete | Await)
    ]


def faults_of_file(faults: Iterable[str]) -> Iterator[Check]:
    """Yield a problem for each fault for which the file is refused."""
    for fault in faults:
        yield problem(
            Topic.DOCUMENT_LOADS, "file", fault, "mend the file; `attune-infra lint` names all its faults"
        )


def document_checks(
    refusals: tuple[ForeseenRefusal, ...] | AttuneError, faults: Iterable[str], broker: Broker
) -> Iterator[Check]:
    """Yield a problem for each refusal and each fault of the file. Limits and plugins have their own sections."""
    found = list(faults_of_file(faults))
    yield from found
    if isinstance(refusals, AttuneError):
        yield unknown(Topic.DECLARATIONS, "declarations", refusals.sentence, refusals.hint or "")
        return
    own = [each for each in refusals if each.code not in {RefusalCode.QUEUE_LIMIT, RefusalCode.EXCHANGE_TYPE}]
    for refusal in own:
        yield problem(Topic.DECLARATIONS, label(refusal.object), refusal.reason, refusal.hint)
    if isinstance(broker.restrictions, AttuneError):
        yield unknown(Topic.DECLARATIONS, "denied features", broker.restrictions.sentence)
    elif not own and not found:
        yield ok(Topic.DECLARATIONS, "declarations", "none that this broker is certain to refuse")
