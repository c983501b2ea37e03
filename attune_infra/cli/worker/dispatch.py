"""attune-infra worker dispatch."""

from __future__ import annotations

from typing import Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._options import shared
from attune_infra.cli._session import Session
from attune_infra.cli.worker._options import Id

app = App()

_Body = Annotated[
    str | None,
    typer.Option("--body", metavar="JSON", help="By default its id and the worker's.", show_default=False),
]


@app.command()
@shared
def dispatch(session: Session, *, worker_id: Id, body: _Body = None) -> None:
    """Send a worker a message, as a scheduler does. Exit code 2 if no queue is bound for it."""
    from attune_infra.worker.dispatch import dispatch

    topology = session.topology
    with session.broker() as broker:
        sent = dispatch(broker, topology, worker_id, body)
        session.finish("worker-dispatch", sent, sent.exit_code)
