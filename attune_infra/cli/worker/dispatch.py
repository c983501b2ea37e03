"""attune-infra worker dispatch."""

from __future__ import annotations

from typing import Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._consent import confirm_target
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.cli._target import Asked
from attune_infra.cli._worker_ids import read_worker_id

app = App()

_Worker = Annotated[
    str, typer.Option("--worker", "--id", metavar="ID", help="Id of the worker.", show_default=False)
]
_Body = Annotated[
    str | None,
    typer.Option(
        "--body",
        metavar="JSON",
        help="Body of the message; default: its id and the worker's id.",
        show_default=False,
    ),
]


@app.command()
@shared(Uses.DISPLAY | Uses.TOPOLOGY | Uses.FILE | Uses.ONE_VHOST | Uses.BROKER)
def dispatch(session: Session, *, worker: _Worker, body: _Body = None) -> None:
    """Send a message to a worker, as a scheduler does. Exit code 2 if no queue is bound for it."""
    from attune_infra.render.pages import dispatch as page
    from attune_infra.worker.dispatch import dispatch, require_json

    require_json(body)
    worker_id, session = read_worker_id(worker), session.with_reading()
    topology = session.topology
    with session.broker(writes=True, asked=Asked.AMQP) as broker:
        confirm_target(session, has_plan=False)
        session.finish("worker-dispatch", page, dispatch(broker, topology, worker_id, body))
