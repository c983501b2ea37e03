"""The outcome of provisioning, worker by worker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from attune_infra.fleet.provision import Provisioned
from attune_infra.render.pages import report
from attune_infra.render.text import Line
from attune_infra.render.words import MAX_WORKERS_SHOWN, ranges
from attune_infra.topology.model import Binding, Queue
from attune_infra.topology.planning.report import Outcome, Status
from attune_infra.topology.worker import owner_of

if TYPE_CHECKING:
    from attune_infra.contract.workers import ProvisionedData


_GOOD: Final = {Status.CREATED, Status.UNCHANGED, Status.ACCEPTED}


def lines(provisioned: Provisioned) -> Iterator[Line]:
    if not provisioned.registry_asked:
        yield Line("  registry not checked: no database is configured")
    shared, own = _by_worker(provisioned)
    needs = provisioned.report.needs_of_denied()
    for outcome in shared:
        yield from report.outcome_lines(outcome, needs.get(outcome.object, ()))
    together = []
    for worker_id, outcomes in own.items():
        went_well = all(outcome.status in _GOOD for outcome in outcomes)
        if went_well and len(own) > MAX_WORKERS_SHOWN:
            together.append(worker_id)
            continue
        for outcome in outcomes:
            yield from report.outcome_lines(outcome, needs.get(outcome.object, ()))
        if went_well:
            yield Line(f"  worker {worker_id} provisioned: its {_own_objects(provisioned)} {_state(outcomes)}")
        else:
            yield Line(f"! worker {worker_id} is not provisioned", "red")
    if together:
        all_own = [outcome for worker_id in together for outcome in own[worker_id]]
        yield Line(f"  workers {ranges(together)} provisioned: their queues and bindings {_state(all_own)}")
    yield from report.grant_lines(provisioned.report)
    yield from report.note_lines(provisioned.report)
    if len(provisioned.worker_ids) > 1:
        yield Line(f"{len(provisioned.worker_ids)} workers, {report.summary(provisioned.report)}")


def data(provisioned: Provisioned) -> ProvisionedData:
    return {
        "workers": sorted(provisioned.worker_ids),
        "registry_asked": provisioned.registry_asked,
        **report.data(provisioned.report),
    }


def _state(outcomes: Iterable[Outcome]) -> str:
    """Return the words for objects that were made, and for those that were read back too."""
    accepted = any(outcome.status is Status.ACCEPTED for outcome in outcomes)
    return "are accepted by RabbitMQ" if accepted else "match"


def _own_objects(provisioned: Provisioned) -> str:
    family = provisioned.workers
    if len(family.queues) == len(family.bindings) == 1:
        return "queue and binding"
    return "queues and bindings"


def _by_worker(provisioned: Provisioned) -> tuple[list[Outcome], dict[int, list[Outcome]]]:
    shared: list[Outcome] = []
    own: dict[int, list[Outcome]] = {worker_id: [] for worker_id in provisioned.worker_ids}
    for outcome in provisioned.report.outcomes:
        match outcome.object:
            case Queue(name=name) | Binding(destination=name):
                worker_id = owner_of(provisioned.workers, name)
                (shared if worker_id is None else own[worker_id]).append(outcome)
            case _:
                shared.append(outcome)
    return shared, own
