"""attune-infra diff."""

from __future__ import annotations

from typing import Annotated

import typer

from attune_infra.background import run_in_background
from attune_infra.cli._app import App
from attune_infra.cli._options import Prune, TopologyFile, Workers, shared
from attune_infra.cli._session import Session
from attune_infra.cli._worker_ids import read_worker_ids
from attune_infra.settings import Via

app = App()

_Explain = Annotated[bool, typer.Option("--explain", help="Say why each object is drift, or is not.")]


@app.command()
@shared
def diff(
    session: Session,
    file: TopologyFile = None,
    *,
    worker: Workers = None,
    prune: Prune = False,
    explain: _Explain = False,
) -> None:
    """Show what `setup` would do, attribute by attribute. Exit code 2 on drift, or a queue that is down.

    With --worker, also what `worker provision` would do.
    """
    from attune_infra.topology.plan import Plan
    from attune_infra.topology.worker import with_workers

    topology, worker_ids = session.using(file).topology, read_worker_ids(worker or [])
    with session.broker(Via.HTTP) as broker:
        listed = run_in_background(broker.read)
        want, have = with_workers(topology, worker_ids), listed()
    plan = Plan.between(have, want, prune=prune)
    if explain:
        from attune_infra.topology.explain import explain_plan

        session.finish("diff", explain_plan(plan, have, want), plan.exit_code)
    session.finish("diff", plan, plan.exit_code)
