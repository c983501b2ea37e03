"""attune-infra setup."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from attune_infra.cli._app import App
from attune_infra.cli._consent import (
    AllowDestructive,
    Expect,
    MaxDeletes,
    UndoFile,
    Yes,
    ask_to_delete,
    confirm_target,
    keep_undo,
)
from attune_infra.cli._options import DryRun, Prune, ViaOption
from attune_infra.cli._prepared import Prepared, prepare
from attune_infra.cli._progress import progress
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.settings import Via

if TYPE_CHECKING:
    from attune_infra.interfaces import CountingBroker
    from attune_infra.topology.planning.consent import Consent
    from attune_infra.topology.planning.plan import Plan
    from attune_infra.topology.planning.report import Report

app = App()


@app.command()
@shared(Uses.DISPLAY | Uses.TOPOLOGY | Uses.FILE | Uses.VHOST | Uses.BROKER)
def setup(
    session: Session,
    *,
    dry_run: DryRun = False,
    via: ViaOption = Via.AMQP,
    expect: Expect = None,
    prune: Prune = False,
    allow_destructive: AllowDestructive = None,
    max_deletes: MaxDeletes = None,
    undo_file: UndoFile = None,
    yes: Yes = False,
) -> None:
    """Create missing objects and report drift. Nothing is deleted unless you allow it.

    FILE may be a plan of `diff --out`: then exactly that plan is applied, or nothing.
    Without permission to set policies, everything else is created and the exit code is 3.
    """
    from attune_infra.operations.setup import apply_plan
    from attune_infra.topology.planning.consent import Consent

    given = prepare(session, prune=prune, expect=expect)
    with given.session.broker(via, writes=True) as broker:
        have, want, plan = given.plan_on(broker)
        consent = Consent.given(allow_destructive or (), want.demands.protect, max_deletes=max_deletes)
        if dry_run:
            _finish_dry_run(session, plan, broker, consent if yes else None)
        _agree(given, plan, broker, consent, yes=yes)
        keep_undo(plan.deleted_with(consent, have), have, plan.digest, to=undo_file, beside=given.file)
        with progress("setting up") as watch:
            report = apply_plan(plan, broker, want, consent=consent, watch=watch)
        _finish(given.session, report)


def _finish(session: Session, report: Report) -> NoReturn:
    from attune_infra.render.pages import report as page

    session.finish("setup", page, report)


def _finish_dry_run(session: Session, plan: Plan, broker: CountingBroker, consent: Consent | None) -> NoReturn:
    from attune_infra.operations.setup import count_contents
    from attune_infra.render.pages import plan as page
    from attune_infra.topology.planning.consent import TO_NOTHING

    session.finish("setup", page, count_contents(plan, broker).dry_run(consent or TO_NOTHING))


def _agree(given: Prepared, plan: Plan, broker: CountingBroker, consent: Consent, *, yes: bool) -> None:
    """Raise if the plan is impossible, deletes too much, or is not agreed to; ask for its destructive changes."""
    from attune_infra.topology.planning.consent import refuse_excess

    plan.check_possible()
    refuse_excess(plan.excess(consent))
    if plan.changes:
        confirm_target(given.session, expect=given.expect)
    if not yes and plan.permitted(consent):
        _ask(given.session, plan, broker, consent)


def _ask(session: Session, plan: Plan, broker: CountingBroker, consent: Consent) -> None:
    from attune_infra.operations.setup import count_contents
    from attune_infra.render.pages import plan as page

    plan = count_contents(plan, broker)
    hint = "look at the plan with `attune-infra diff`; then give --yes beside --allow-destructive"
    ask_to_delete(session, page.lines(plan), page.question(plan, consent), hint=hint)
