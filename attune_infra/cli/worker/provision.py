"""attune-infra worker provision."""

from __future__ import annotations

from typing import Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._options import ViaOption, shared
from attune_infra.cli._output import progress
from attune_infra.cli._session import Session
from attune_infra.cli.worker._options import Ids, require_ids
from attune_infra.settings import Via

app = App()

_AllActive = Annotated[
    bool, typer.Option("--all", help="Provision all workers that are active or busy in the registry.")
]


@app.command()
@shared
def provision(session: Session, *, ids: Ids = None, all_: _AllActive = False, via: ViaOption = Via.AMQP) -> None:
    """Declare each worker's queue as the worker itself does, bind it, and verify both."""
    from attune_infra.render.pages import provision as page
    from attune_infra.worker.provision import active_workers, provision

    given, topology = () if all_ else require_ids(ids, otherwise="--all"), session.topology
    with session.registry_if_configured(insist=all_) as registry, session.broker(via, writes=True) as broker:
        worker_ids = active_workers(registry) if all_ and registry else given
        with progress("provisioning") as watch:
            provisioned = provision(broker, registry, topology, worker_ids, watch=watch)
        session.finish("worker-provision", page, provisioned)
