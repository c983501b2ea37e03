"""attune-infra worker register, enlist, deregister."""

from __future__ import annotations

from typing import Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._options import ViaOption, shared
from attune_infra.cli._session import Session
from attune_infra.cli._worker_ids import read_worker_ids
from attune_infra.cli.worker._options import Ids, Name
from attune_infra.errors import WrongUsage
from attune_infra.interfaces import WorkerType
from attune_infra.settings import Via

app = App()

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
_Names = Annotated[
    list[str] | None, typer.Option("--name", help="A worker's name. May repeat.", show_default=False)
]


@app.command()
@shared
def register(
    session: Session,
    *,
    name: Name = None,
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
def enlist(
    session: Session,
    *,
    name: Name = None,
    worker_type: _Type = None,
    host: _Host = None,
    port: _Port = None,
    capability: _Capabilities = None,
    via: ViaOption = Via.AMQP,
) -> None:
    """Register and provision a worker in one step: if the broker refuses, the registration is undone."""
    from attune_infra.worker.enlist import enlist
    from attune_infra.worker.register import registration

    described = registration(name, worker_type, host, port, capability or ())
    topology = session.topology
    with session.registry() as registry, session.broker(via) as broker:
        enlisted = enlist(broker, registry, topology, described)
        session.finish("worker-enlist", enlisted, enlisted.exit_code)


@app.command()
@shared
def deregister(session: Session, *, ids: Ids = None, name: _Names = None) -> None:
    """Set workers inactive. Their rows stay, and so do their queues: `worker prune` removes those."""
    if not (ids or name):
        raise WrongUsage("no worker is named", hint="give --id 7, --id 1-20, or --name worker-a")
    with session.registry() as registry:
        session.finish("worker-deregister", registry.deregister(read_worker_ids(ids or ()), name or ()))
