"""attune-infra diff."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple, NoReturn

import typer

from attune_infra.cli._app import App
from attune_infra.cli._options import Prune, Workers
from attune_infra.cli._over_amqp import OTHER_COMMANDS, naming
from attune_infra.cli._prepared import plan_against, save, save_several
from attune_infra.cli._progress import busy
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.cli._worker_ids import read_worker_ids
from attune_infra.settings import Via

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from attune_infra.interfaces import CountingBroker
    from attune_infra.topology.document.problems import Problem
    from attune_infra.topology.explain import ExplainedPlan
    from attune_infra.topology.model import Topology
    from attune_infra.topology.planning.plan import Plan

app = App()

_Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="Also keep the plan in a file; `setup FILE` applies exactly it."),
]

_Explain = Annotated[bool, typer.Option("--explain", help="Say why each object has drifted or not.")]


@app.command()
@shared(Uses.DISPLAY | Uses.REPORTS | Uses.TOPOLOGY | Uses.FILE | Uses.VHOST | Uses.BROKER)
def diff(
    session: Session,
    *,
    worker: Workers = None,
    prune: Prune = False,
    explain: _Explain = False,
    out: _Out = None,
) -> None:
    """Show the changes of `setup`, attribute by attribute. Exit code 2 on drift or if a queue is down.

    With --worker, also the changes of `worker provision`. The exit code is 1 if RabbitMQ would refuse an object.
    """
    from attune_infra.render.pages import plan as page

    compare = partial(_compare, worker_ids=read_worker_ids(worker or []), prune=prune)
    if session.is_for_several:
        _finish_several(session, compare, explain=explain, out=out, prune=prune)
    given = session.with_reading()
    found = compare(given)
    if out is not None:
        save(given, found.plan, out, workers=found.worker_ids, prune=prune)
    if explain:
        _finish_explained(given, found)
    given.finish_reviewed("diff", page, found.plan)


class _Compared(NamedTuple):
    """A plan, and the topologies that it was made from."""

    have: Topology
    want: Topology
    plan: Plan
    worker_ids: tuple[int, ...]


def _compare(session: Session, *, worker_ids: tuple[int, ...], prune: bool) -> _Compared:
    topology = session.readable_topology
    with naming(OTHER_COMMANDS, session.broker(Via.HTTP)) as broker, busy("comparing"):
        have, want, plan = plan_against(broker, topology, worker_ids, prune=prune)
        return _Compared(have, want, _complete(session, plan, broker, have, want), worker_ids)


def _finish_several(
    session: Session, compare: Callable[[Session], _Compared], *, explain: bool, out: Path | None, prune: bool
) -> NoReturn:
    from attune_infra.cli._each import run_each
    from attune_infra.cli._several import digest_of_plans, finish_plans
    from attune_infra.render.pages import plan as page

    found = run_each(compare, session.each())
    plans = {name: each.plan for name, each in found.items()}
    if out is not None:
        workers = next(iter(found.values())).worker_ids
        save_several(session, plans, digest_of_plans(plans), out, workers=workers, prune=prune)
    if explain:
        _finish_explained_parts(session, found)
    finish_plans(session, page, plans)


def _finish_explained_parts(session: Session, found: Mapping[str, _Compared]) -> NoReturn:
    from attune_infra.render.page import ReviewedPageOfSeveral, Several
    from attune_infra.render.pages import explain as page

    parts = {name: _explained(each) for name, each in found.items()}
    session.finish_reviewed("diff", ReviewedPageOfSeveral(page), Several.of(parts))


def _complete(session: Session, plan: Plan, broker: CountingBroker, have: Topology, want: Topology) -> Plan:
    """Return the plan with what would be lost, and with what belongs to the file."""
    plan = _count_losses(plan, broker)
    plan = plan.naming_migrations(have, want, session.topology_options)
    return replace(plan, faults=_faults(session, have), origin=session.origin)


def _count_losses(plan: Plan, broker: CountingBroker) -> Plan:
    if not plan.queues_at_risk:
        return plan
    from attune_infra.operations.setup import count_contents

    return count_contents(plan, broker)


def _faults(session: Session, have: Topology) -> tuple[Problem, ...]:
    """Return the faults for which `setup` would refuse the file on this broker."""
    return tuple(session.reading.refused_by(have.version)) if have.version else ()


def _finish_explained(session: Session, found: _Compared) -> NoReturn:
    from attune_infra.render.pages import explain as page

    session.finish_reviewed("diff", page, _explained(found))


def _explained(found: _Compared) -> ExplainedPlan:
    from attune_infra.topology.explain import explain_plan

    return explain_plan(found.plan, found.have, found.want)
