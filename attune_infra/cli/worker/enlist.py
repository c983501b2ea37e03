"""attune-infra worker enlist."""

from __future__ import annotations

from attune_infra.cli._app import App
from attune_infra.cli._consent import confirm_target
from attune_infra.cli._options import ViaOption
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.cli.worker._options import Name
from attune_infra.cli.worker._registration import Capabilities, Host, Port, Type
from attune_infra.settings import Via

app = App()


@app.command()
@shared(Uses.DISPLAY | Uses.TOPOLOGY | Uses.FILE | Uses.BROKER | Uses.REGISTRY)
def enlist(
    session: Session,
    *,
    name: Name = None,
    worker_type: Type = None,
    host: Host = None,
    port: Port = None,
    capability: Capabilities = None,
    via: ViaOption = Via.AMQP,
) -> None:
    """Register and provision a worker in one step. If the broker refuses, nothing is registered."""
    from attune_infra.render.pages import enlist as page
    from attune_infra.worker.enlist import enlist
    from attune_infra.worker.register import registration

    described = registration(name, worker_type, host, port, capability or ())
    topology = session.topology
    with session.registry() as registry, session.broker(via, writes=True) as broker:
        confirm_target(session, has_plan=False)
        session.finish("worker-enlist", page, enlist(broker, registry, topology, described))
