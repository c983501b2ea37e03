"""attune-infra worker enlist."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from attune_infra.cli._app import App
from attune_infra.cli._consent import confirm_target
from attune_infra.cli._options import ViaOption
from attune_infra.cli._progress import progress
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.cli.worker._options import Name
from attune_infra.cli.worker._registration import (
    Capabilities,
    Count,
    Host,
    NamePattern,
    NamesFile,
    Port,
    Type,
    names_of_many,
)
from attune_infra.settings import Via

if TYPE_CHECKING:
    from attune_infra.broker.rabbitmq import RabbitMQ
    from attune_infra.fleet.register import Registration
    from attune_infra.registry.workers import PostgresRegistry

app = App()


@app.command()
@shared(Uses.DISPLAY | Uses.TOPOLOGY | Uses.FILE | Uses.ONE_VHOST | Uses.BROKER | Uses.REGISTRY)
def enlist(
    session: Session,
    *,
    name: Name = None,
    count: Count = None,
    name_pattern: NamePattern = None,
    names_file: NamesFile = None,
    worker_type: Type = None,
    host: Host = None,
    port: Port = None,
    capability: Capabilities = None,
    via: ViaOption = Via.AMQP,
) -> None:
    """Register and provision a worker in one step. If the broker refuses, nothing is registered.

    With --count or --names-file, register many new workers in one transaction, then provision them. If the broker
    refuses something, they stay registered, and `worker provision` goes on from there.
    """
    from attune_infra.render.pages import enlist as page
    from attune_infra.worker.enlist import enlist
    from attune_infra.worker.register import registration

    names = names_of_many(name, count, name_pattern, names_file)
    described = registration(name, worker_type, host, port, capability or ())
    session = session.with_reading()
    topology = session.topology
    with session.registry() as registry, session.broker(via, writes=True) as broker:
        confirm_target(session, has_plan=False)
        if names:
            _finish_many(session, broker, registry, names, described)
        session.finish("worker-enlist", page, enlist(broker, registry, topology, described))


def _finish_many(
    session: Session,
    broker: RabbitMQ,
    registry: PostgresRegistry,
    names: tuple[str, ...],
    described: Registration,
) -> NoReturn:
    from attune_infra.render.pages import enlisted as page
    from attune_infra.worker.enlist import enlist_new

    with progress("enlisting") as watch:
        found = enlist_new(broker, registry, session.topology, names, described, watch=watch)
    session.finish("worker-enlist", page, found)
