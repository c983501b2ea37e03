"""attune-infra trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._message import read_message
from attune_infra.cli._options import Live, shared
from attune_infra.cli._release import BrokerVersion, read_release
from attune_infra.cli._session import Session
from attune_infra.cli._worker_ids import read_worker_ids
from attune_infra.errors import WrongUsage
from attune_infra.settings import TOPOLOGY, Via

if TYPE_CHECKING:
    from collections.abc import Iterable

    from attune_infra.topology.facts.releases import Version
    from attune_infra.topology.routing.route import Routing

app = App()

_Exchange = Annotated[
    str,
    typer.Argument(metavar="EXCHANGE", help='Where it is published; amq.default or "" is the default exchange.'),
]
_RoutingKey = Annotated[str, typer.Argument(metavar="ROUTING_KEY", help="Its routing key.", show_default=False)]
_Headers = Annotated[
    list[str] | None,
    typer.Option(
        "--header", metavar="K=V", help='A header; V as in YAML: 5 is an integer, "5" a string. Repeats.'
    ),
]
_Workers = Annotated[
    list[str] | None,
    typer.Option("--workers", metavar="IDS", help="With the queues of these workers: 7, 1-3. May repeat."),
]
_Explain = Annotated[bool, typer.Option("--explain", help="Say of each binding that does not match why not.")]
_Expect = Annotated[
    list[str] | None,
    typer.Option(
        "--expect",
        metavar="QUEUE",
        help="It must reach this queue, and no other; if it is a worker's, that worker is there. May repeat.",
    ),
]


@app.command()
@shared
def trace(
    session: Session,
    exchange: _Exchange,
    routing_key: _RoutingKey = "",
    *,
    header: _Headers = None,
    live: Live = False,
    workers: _Workers = None,
    explain: _Explain = False,
    expect: _Expect = None,
    broker_version: BrokerVersion = None,
) -> None:
    """Follow a message from an exchange to its queues, and on as a dead letter, to where it ends.

    Exit code 2 if it reaches no queue, or is lost on a way it can take, or reaches not what --expect says.
    """
    from attune_infra.topology.routing.trace import trace

    message, release = read_message(exchange, routing_key, header or ()), read_release(broker_version)
    if "" in (expect or ()):
        raise WrongUsage("--expect names no queue", hint="no queue has an empty name")
    routing = _live(session, workers, release) if live else _wanted(session, workers, expect or (), release)
    found = trace(routing, message, expected=expect, explain=explain)
    session.finish("trace", found, found.exit_code)


def _wanted(
    session: Session, workers: list[str] | None, expect: Iterable[str], release: Version | None
) -> Routing:
    from attune_infra.topology.facts.releases import NEWEST
    from attune_infra.topology.routing.route import Routing
    from attune_infra.topology.routing.routes import workers_of
    from attune_infra.topology.worker import with_workers

    topology = session.topology
    ids = workers_of(expect, topology.workers).union(read_worker_ids(workers or []))
    return Routing(with_workers(topology, sorted(ids)), version=release or NEWEST)


def _live(session: Session, workers: list[str] | None, release: Version | None) -> Routing:
    from attune_infra.topology.facts.releases import version_of
    from attune_infra.topology.routing.route import Routing

    if workers or session.flags.get(TOPOLOGY):
        hint = "leave out --live, or --topology and --workers"
        raise WrongUsage("--live takes the topology and its workers from the broker", hint=hint)
    with session.broker(Via.HTTP) as broker:
        have = broker.read(private=True)
        return Routing(have, version=release or version_of(broker.check_http()))
