"""attune-infra diff."""

from __future__ import annotations

from attune_infra.cli._options import shared
from attune_infra.cli._session import Session
from attune_infra.settings import Via


@shared
def diff(session: Session) -> None:
    """Show what `setup` would do, attribute by attribute. Exit code 2 if there is anything to do."""
    from attune_infra.topology.builtin import attune
    from attune_infra.topology.plan import Plan

    with session.broker(Via.HTTP) as broker:
        plan = Plan.between(broker.read(), attune())
        session.finish("diff", plan, plan.exit_code)
