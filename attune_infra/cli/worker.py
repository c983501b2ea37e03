"""attune-infra worker register, attune-infra worker provision."""

from __future__ import annotations

from typing import Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._options import ViaOption, shared
from attune_infra.cli._session import Session
from attune_infra.cli._worker_ids import read_worker_ids
from attune_infra.interfaces import WorkerType
from attune_infra.settings import Via

app = App()

_Name = Annotated[str | None, typer.Option("--name", help="By default worker-HOSTNAME.", show_default=False)]
_Type = Annotated[
    WorkerType | None,
    typer.Option("--type", help="By default local, or what is registered.", show_default=False),
]
_Host = Annotated[str | None, typer.Option("--host", help="Where the worker can be reached.")]
_Port = Annotated[int | None, typer.Option("--port", min=1, max=65535)]
_Capabilities = Annotated[
    list[str] | None,
    typer.Option("--capability", metavar="KEY=VALUE", help="What it can do; a value may be JSON. May repeat."),
]
_Ids = Annotated[
    list[str], typer.Option("--id", metavar="ID", help="A worker's id, or a range: 1-2000. May repeat.")
]


@app.command()
@shared
def register(
    session: Session,
    *,
    name: _Name = None,
    worker_type: _Type = None,
    host: _Host = None,
    port: _Port = None,
    capability: _Capabilities = None,
) -> None:
    """Write a worker into the registry, or renew the one of that name, and print its id."""
    from attune_infra.worker.register import registration

    described = registration(name, worker_type, host, port, capability or ())
    with session.registry() as registry:
        session.finish("worker-register", registry.register(described))


@app.command()
@shared
def provision(session: Session, *, ids: _Ids, via: ViaOption = Via.AMQP) -> None:
    """Declare each worker's queue as the worker itself does, bind it, and read both back."""
    from attune_infra.worker.provision import provision

    worker_ids, topology = read_worker_ids(ids), session.topology
    with session.registry_if_configured() as registry, session.broker(via) as broker:
        provisioned = provision(broker, registry, topology, worker_ids)
        session.finish("worker-provision", provisioned, provisioned.exit_code)
