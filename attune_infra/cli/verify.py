"""attune-infra verify."""

from __future__ import annotations

from typing import Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._options import Workers, shared
from attune_infra.cli._session import Session
from attune_infra.cli._worker_ids import read_worker_ids

app = App()

_RequireConsumers = Annotated[
    bool, typer.Option("--require-consumers", help="A worker without its consumer is drift, not a warning.")
]
_Strict = Annotated[bool, typer.Option("--strict", help="Objects that nobody declared are drift, not a warning.")]


@app.command()
@shared
def verify(
    session: Session,
    *,
    worker: Workers = None,
    require_consumers: _RequireConsumers = False,
    strict: _Strict = False,
) -> None:
    """Check that all is as wanted. Exit code 2 if it is not, 1 if that could not be found out."""
    from attune_infra.operations.verify import verify
    from attune_infra.topology.verify import Demands

    demands = Demands(worker_ids=read_worker_ids(worker or []), require_consumers=require_consumers, strict=strict)
    want = session.topology
    with session.broker() as broker:
        found = verify(broker, want, demands)
        session.finish("verify", found, found.exit_code)
