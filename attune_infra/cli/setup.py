"""attune-infra setup."""

from __future__ import annotations

from typing import Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._consent import may_destroy
from attune_infra.cli._options import DryRun, Prune, TopologyFile, ViaOption, shared
from attune_infra.cli._output import progress
from attune_infra.cli._session import Session
from attune_infra.settings import Via

app = App()

_Expect = Annotated[
    str | None, typer.Option("--expect", metavar="DIGEST", help="Refuse any plan but the one `diff` printed.")
]
_AllowDestructive = Annotated[
    bool, typer.Option("--allow-destructive", help="Delete what the plan says, after asking.")
]
_Yes = Annotated[bool, typer.Option("--yes", help="Do not ask; nothing is deleted without --allow-destructive.")]


@app.command()
@shared
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
    """Make the topology: what is missing is made, what differs is named, what is deleted must be allowed."""
    from attune_infra.operations.setup import carry_out
    from attune_infra.topology.plan import Plan

    want = session.using(file).topology
    with session.broker(via) as broker:
        plan = Plan.between(broker.read(), want, prune=prune)
        plan.insist_on(expect)
        if dry_run:
            session.finish("setup", plan, plan.foreseen_exit_code(allowed=allow_destructive and yes))
        destroy = may_destroy(plan, allow_destructive=allow_destructive, yes=yes)
        with progress("setting up") as watch:
            report = carry_out(plan, broker, want, destroy=destroy, watch=watch)
        session.finish("setup", report, report.exit_code)
