"""attune-infra diff."""

from __future__ import annotations

from attune_infra.cli._options import Workers, shared
from attune_infra.cli._session import Session
from attune_infra.cli._worker_ids import read_worker_ids
from attune_infra.settings import Via


@shared
def diff(session: Session, *, worker: Workers = None) -> None:
    """Show what `setup` would do, attribute by attribute. Exit code 2 if there is anything to do.

    With --worker, also what `worker provision` would do.
    """
    from attune_infra.topology.builtin import attune
    from attune_infra.topology.plan import Plan
    from attune_infra.topology.worker import with_workers

    want = with_workers(attune(), read_worker_ids(worker or []))
    with session.broker(Via.HTTP) as broker:
        plan = Plan.between(broker.read(), want)
        session.finish("diff", plan, plan.exit_code)
