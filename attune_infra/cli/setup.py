"""attune-infra setup."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from attune_infra.cli._app import ALLOW_DESTRUCTIVE, App
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
from attune_infra.cli._options import DryRun, Prune, ViaIfGiven
from attune_infra.cli._over_amqp import broker_to_change, refuse_options
from attune_infra.cli._prepared import Prepared, prepare
from attune_infra.cli._progress import progress
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared

if TYPE_CHECKING:
    from attune_infra.broker.rabbitmq import RabbitMQ
    from attune_infra.interfaces import CountingBroker
    from attune_infra.topology.model import Topology
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
    via: ViaIfGiven = None,
    expect: Expect = None,
    prune: Prune = False,
    allow_destructive: AllowDestructive = None,
    max_deletes: MaxDeletes = None,
    undo_file: UndoFile = None,
    yes: Yes = False,
) -> None:
    """Create missing objects and report drift. Nothing is deleted unless you allow it.

    With several virtual hosts in the topology, all plans are made before the first change.
    FILE may be a plan of `diff --out`: then exactly that plan is applied, or nothing.
    Without permission to set policies, everything else is created and the exit code is 3.
    """
    given = prepare(session, prune=prune, expect=expect)
    consent_of = partial(_consent, allow_destructive, max_deletes)
    if given.is_for_several:
        _set_up_several(given, consent=consent_of, via=via, undo_file=undo_file, dry_run=dry_run, yes=yes)
    with broker_to_change(given.session, via) as broker:
        if given.session.met.is_over_amqp:
            _set_up_over_amqp(given, broker, bool(allow_destructive), dry_run=dry_run)
        have, want, plan = given.plan_on(broker)
        consent = consent_of(want)
        if dry_run:
            _finish_dry_run(session, plan, broker, consent if yes else None)
        _agree(given, plan, broker, consent, yes=yes)
        keep_undo(plan.deleted_with(consent, have), have, plan.digest, to=undo_file, beside=given.file)
        _finish(given.session, _apply(plan, broker, want, consent))


def _set_up_over_amqp(given: Prepared, broker: RabbitMQ, allow_destructive: bool, *, dry_run: bool) -> NoReturn:
    from attune_infra.operations import setup_over_amqp
    from attune_infra.render.pages import forecast as page

    options = {f"{given.file}, a plan,": given.saved, "--expect": given.expect, "--prune": given.prune}
    refuse_options({**options, ALLOW_DESTRUCTIVE: allow_destructive})
    want = given.session.topology_on(broker)
    if dry_run:
        given.session.finish("setup", page, setup_over_amqp.foresee_over_amqp(broker, want))
    confirm_target(given.session, has_plan=False)
    with progress("setting up") as watch:
        report = setup_over_amqp.setup_over_amqp(broker, want, watch=watch)
    _finish(given.session, report)


def _set_up_several(given: Prepared, **wishes: Any) -> NoReturn:
    from attune_infra.cli._several import Wishes, set_up_several

    set_up_several(given, Wishes(**wishes))


def _consent(allowed: list[str] | None, max_deletes: str | None, want: Topology) -> Consent:
    from attune_infra.topology.planning.consent import Consent

    return Consent.given(allowed or (), want.demands.protect, max_deletes=max_deletes)


def _apply(plan: Plan, broker: CountingBroker, want: Topology, consent: Consent) -> Report:
    from attune_infra.operations.setup import apply_plan

    with progress("setting up") as watch:
        return apply_plan(plan, broker, want, consent=consent, watch=watch)


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
