"""attune-infra setup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from attune_infra.cli._app import App
from attune_infra.cli._options import DryRun, Prune, TopologyFile, ViaOption, shared_with_vhost
from attune_infra.cli._output import progress
from attune_infra.cli._session import Session
from attune_infra.settings import Via

if TYPE_CHECKING:
    from attune_infra.interfaces import Broker, CountingBroker
    from attune_infra.topology.model import Topology
    from attune_infra.topology.planning.plan import Plan
    from attune_infra.topology.planning.report import Report

app = App()

_Expect = Annotated[
    str | None,
    typer.Option("--expect", metavar="DIGEST", help="Refuse any plan except this one, as `diff` printed it."),
]
_AllowDestructive = Annotated[
    bool,
    typer.Option(
        "--allow-destructive", help="Make deletions, and set policies that lose something, after asking."
    ),
]
_Yes = Annotated[bool, typer.Option("--yes", help="Do not ask; still delete nothing without --allow-destructive.")]


@app.command()
@shared_with_vhost
def setup(
    session: Session,
    file: TopologyFile = None,
    *,
    dry_run: DryRun = False,
    via: ViaOption = Via.AMQP,
    expect: _Expect = None,
    prune: Prune = False,
    allow_destructive: _AllowDestructive = False,
    yes: _Yes = False,
) -> None:
    """Create missing objects and report drift. Nothing is deleted unless you allow it.

    Without permission to set policies, everything else is created and the exit code is 3.
    """
    from attune_infra.operations.setup import apply_plan

    session = session.using(file).with_reading()
    with session.broker(via) as broker:
        want = session.topology_on(broker)
        plan = _plan(broker, want, prune=prune, expect=expect)
        if dry_run:
            _finish_dry_run(session, plan, broker, allowed=allow_destructive and yes)
        plan.check_possible()
        destroy = allow_destructive and _may_destroy(plan, broker, yes=yes)
        with progress("setting up") as watch:
            report = apply_plan(plan, broker, want, destroy=destroy, watch=watch)
        _finish(session, report)


def _plan(broker: Broker, want: Topology, *, prune: bool, expect: str | None) -> Plan:
    from attune_infra.operations.setup import make_plan

    plan = make_plan(broker, broker.read(), want, prune=prune)
    plan.insist_on(expect)
    return plan


def _finish(session: Session, report: Report) -> NoReturn:
    from attune_infra.render.pages import report as page

    session.finish("setup", page, report)


def _finish_dry_run(session: Session, plan: Plan, broker: CountingBroker, *, allowed: bool) -> NoReturn:
    from attune_infra.operations.setup import count_contents
    from attune_infra.render.pages import plan as page

    session.finish("setup", page, count_contents(plan, broker).dry_run(allowed=allowed))


def _may_destroy(plan: Plan, broker: CountingBroker, *, yes: bool) -> bool:
    """Return True if the plan has destructive changes; ask for them first, unless `yes` is set."""
    from attune_infra.cli._consent import ask_to_delete
    from attune_infra.operations.setup import count_contents
    from attune_infra.render.pages import plan as page

    if plan.destructive and not yes:
        plan = count_contents(plan, broker)
        hint = "look at the plan with `attune-infra diff`; then give --yes beside --allow-destructive"
        ask_to_delete(page.lines(plan), page.question(plan), hint=hint)
    return bool(plan.destructive)
