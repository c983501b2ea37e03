"""attune-infra worker provision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from attune_infra.cli._app import App
from attune_infra.cli._consent import Expect, confirm_target
from attune_infra.cli._options import DryRun, ViaIfGiven, Workers
from attune_infra.cli._over_amqp import broker_to_change, refuse_options
from attune_infra.cli._progress import progress
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.cli.worker._options import ids_or_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attune_infra.broker.rabbitmq import RabbitMQ
    from attune_infra.interfaces import WorkerRegistry
    from attune_infra.topology.planning.plan import Plan

app = App()

_AllActive = Annotated[
    bool, typer.Option("--all", help="Provision all workers that are active or busy in the registry.")
]


@app.command()
@shared(Uses.DISPLAY | Uses.TOPOLOGY | Uses.FILE | Uses.ONE_VHOST | Uses.BROKER | Uses.REGISTRY)
def provision(
    session: Session,
    *,
    worker: Workers = None,
    all_: _AllActive = False,
    dry_run: DryRun = False,
    expect: Expect = None,
    via: ViaIfGiven = None,
) -> None:
    """Declare each worker's queue as the worker itself does, bind it, and verify both."""
    from attune_infra.render.pages import provision as page
    from attune_infra.worker.provision import active_workers, plan_provisioning, provision

    given, topology = ids_or_all(worker, all_=all_), (session := session.with_reading()).topology
    with session.registry_if_configured(insist=all_) as registry, broker_to_change(session, via) as broker:
        worker_ids = active_workers(registry) if all_ and registry else given
        if session.met.is_over_amqp:
            refuse_options({"--expect": expect})
            _provision_over_amqp(session, broker, registry, worker_ids, dry_run=dry_run)
        plan = plan_provisioning(broker, registry, topology, worker_ids)
        _agree(session, plan, expect, dry_run=dry_run)
        with progress("provisioning") as watch:
            provisioned = provision(broker, registry, topology, worker_ids, plan=plan, watch=watch)
        session.finish("worker-provision", page, provisioned)


def _provision_over_amqp(
    session: Session,
    broker: RabbitMQ,
    registry: WorkerRegistry | None,
    worker_ids: Sequence[int],
    *,
    dry_run: bool,
) -> NoReturn:
    from attune_infra.render.pages import forecast as forecast_page
    from attune_infra.render.pages import provision as page
    from attune_infra.worker import provision as provisioning

    if dry_run:
        forecast = provisioning.foresee_over_amqp(broker, registry, session.topology, worker_ids)
        session.finish("worker-provision", forecast_page, forecast)
    confirm_target(session, has_plan=False)
    with progress("provisioning") as watch:
        found = provisioning.provision_over_amqp(broker, registry, session.topology, worker_ids, watch=watch)
    session.finish("worker-provision", page, found)


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
