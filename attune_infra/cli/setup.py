"""attune-infra setup."""

from __future__ import annotations

from attune_infra.cli._options import DryRun, ViaOption, shared
from attune_infra.cli._session import Session
from attune_infra.settings import Via


@shared
def setup(session: Session, *, dry_run: DryRun = False, via: ViaOption = Via.AMQP) -> None:
    """Make the topology: what is missing is made, what differs is named, nothing is deleted."""
    from attune_infra.operations.setup import setup
    from attune_infra.topology.builtin import attune
    from attune_infra.topology.plan import Plan

    with session.broker(via) as broker:
        if dry_run:
            plan = Plan.between(broker.read(), attune())
            session.finish("setup", plan, plan.foreseen_exit_code)
        report = setup(broker, attune())
        session.finish("setup", report, report.exit_code)
