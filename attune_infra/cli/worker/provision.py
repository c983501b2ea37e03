"""attune-infra worker provision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from attune_infra.cli._app import App
from attune_infra.cli._consent import Expect, confirm_target
from attune_infra.cli._options import DryRun, ViaOption, Workers
from attune_infra.cli._progress import progress
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.cli.worker._options import ids_or_all
from attune_infra.settings import Via

if TYPE_CHECKING:
    from attune_infra.topology.planning.plan import Plan

app = App()

_AllActive = Annotated[
    bool, typer.Option("--all", help="Provision all workers that are active or busy in the registry.")
]


@app.command()
@shared(Uses.DISPLAY | Uses.TOPOLOGY | Uses.FILE | Uses.BROKER | Uses.REGISTRY)
def provision(
    session: Session,
    *,
    worker: Workers = None,
    all_: _AllActive = False,
    dry_run: DryRun = False,
    expect: Expect = None,
    via: ViaOption = Via.AMQP,
) -> None:
    """Declare each worker's queue as the worker itself does, bind it, and verify both."""
    from attune_infra.render.pages import provision as page
    from attune_infra.worker.provision import active_workers, plan_provisioning, provision

    given, topology = ids_or_all(worker, all_=all_), session.topology
    with session.registry_if_configured(insist=all_) as registry, session.broker(via, writes=True) as broker:
        worker_ids = active_workers(registry) if all_ and registry else given
        plan = plan_provisioning(broker, registry, topology, worker_ids)
        _agree(session, plan, expect, dry_run=dry_run)
        with progress("provisioning") as watch:
            provisioned = provision(broker, registry, topology, worker_ids, plan=plan, watch=watch)
        session.finish("worker-provision", page, provisioned)


def _agree(session: Session, plan: Plan, expect: str | None, *, dry_run: bool) -> None:
    """Raise `PlanRefused` if another plan is expected, or if a protected broker is not named; end a dry run."""
    plan.insist_on(expect, again="`attune-infra worker provision --dry-run`")
    if dry_run:
        _finish_dry_run(session, plan)
    if plan.changes:
        confirm_target(session, expect=expect)


def _finish_dry_run(session: Session, plan: Plan) -> NoReturn:
    from attune_infra.render.pages import plan as page

    session.finish("worker-provision", page, plan.dry_run())
