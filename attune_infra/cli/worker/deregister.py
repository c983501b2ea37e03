"""attune-infra worker deregister."""

from __future__ import annotations

from typing import Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._consent import confirm_target
from attune_infra.cli._options import Workers
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.cli._worker_ids import read_worker_ids
from attune_infra.errors import WrongUsage

app = App()

_Names = Annotated[
    list[str] | None, typer.Option("--name", help="Name of a worker. May repeat.", show_default=False)
]


@app.command()
@shared(Uses.DISPLAY | Uses.REGISTRY)
def deregister(session: Session, *, worker: Workers = None, name: _Names = None) -> None:
    """Set workers inactive. Their rows and queues stay; `worker prune` deletes the queues."""
    from attune_infra.render.pages import deregister as page

    if not (worker or name):
        raise WrongUsage("no worker is given", hint="give --id 7, --id 1-20, or --name worker-a")
    worker_ids = read_worker_ids(worker or ())
    confirm_target(session, has_plan=False)
    with session.registry() as registry:
        deregistered = registry.deregister(worker_ids, name or ())
        session.finish("worker-deregister", page, deregistered)
