"""attune-infra trace."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from attune_infra.cli._app import App
from attune_infra.cli._message import read_message
from attune_infra.cli._options import Live, Workers
from attune_infra.cli._output import tell
from attune_infra.cli._release import BrokerVersion, read_release, release_of
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.cli._worker_ids import read_worker_ids
from attune_infra.settings import Via

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from attune_infra.topology.facts.releases import Version
    from attune_infra.topology.model import Message
    from attune_infra.topology.routing.route import Routing
    from attune_infra.topology.routing.trace import Trace

app = App()

_Exchange = Annotated[
    str,
    typer.Argument(metavar="EXCHANGE", help='Exchange of the message; amq.default or "" is the default exchange.'),
]
_RoutingKey = Annotated[
    str, typer.Argument(metavar="ROUTING_KEY", help="Routing key of the message.", show_default=False)
]
_Headers = Annotated[
    list[str] | None,
    typer.Option(
        "--header",
        metavar="K=V",
        help='Header of the message; V as in YAML: 5 is an integer, "5" a string. May repeat.',
    ),
]
_Explain = Annotated[bool, typer.Option("--explain", help="Say why each other binding does not match.")]
_Expect = Annotated[
    list[str] | None,
    typer.Option(
        "--expect",
        metavar="QUEUE",
        help="Require that it reaches this queue, and no other. Adds the worker of a worker's queue. May repeat.",
    ),
]


@app.command()
@shared(Uses.DISPLAY | Uses.TOPOLOGY | Uses.VHOST | Uses.BROKER)
def trace(
    session: Session,
    exchange: _Exchange,
    routing_key: _RoutingKey = "",
    *,
    header: _Headers = None,
    live: Live = False,
    worker: Workers = None,
    explain: _Explain = False,
    expect: _Expect = None,
    broker_version: BrokerVersion = None,
) -> None:
    """Follow a message from an exchange to its queues, and on as a dead letter.

    Exit code 2 if it reaches no queue, can be lost or stuck on its way, or reaches other queues than --expect.
    """
    from attune_infra.render.pages import trace as page

    message, release = read_message(exchange, routing_key, header or ()), read_release(broker_version)
    read: Callable[[Session], Routing] = partial(_routing_of_broker, workers=worker, release=release)
    if not live:
        read = partial(_routing_of_document, workers=worker, expect=expect or (), release=release)
    follow = partial(_follow, message=message, expected=expect, explain=explain)
    several = session.several(live=live)
    if several is not None:
        _finish_several(session, {str(each.place): read(each) for each in several}, message, follow)
    one = session.each_on_broker()[0] if live else session
    session.finish("trace", page, follow(read(one)))


def _follow(routing: Routing, *, message: Message, expected: list[str] | None, explain: bool) -> Trace:
    from attune_infra.topology.routing.trace import trace

    return trace(routing, message, expected=expected, explain=explain)


def _finish_several(
    session: Session, routings: Mapping[str, Routing], message: Message, follow: Callable[[Routing], Trace]
) -> NoReturn:
    """Show the message's way in each virtual host that has its exchange; in all if none has it."""
    from attune_infra.cli._each import finish_parts
    from attune_infra.render.pages import trace as page

    having = [name for name, routing in routings.items() if routing.exchange(message.exchange)] or [*routings]
    for name in routings:
        if name not in having:
            tell(f"virtual host {name} has no exchange {message.exchange}")
    finish_parts(session, "trace", page, {name: follow(routings[name]) for name in having})


def _routing_of_document(
    session: Session, workers: list[str] | None, expect: Iterable[str], release: Version | None
) -> Routing:
    from attune_infra.topology.facts.releases import NEWEST
    from attune_infra.topology.routing.route import Routing
    from attune_infra.topology.routing.routes import workers_of
    from attune_infra.topology.worker import with_workers

    session.refuse_broker_options()
    topology = session.readable_topology
    ids = workers_of(expect, topology.workers).union(read_worker_ids(workers or []))
    return Routing(with_workers(topology, sorted(ids)), version=release or NEWEST)


def _routing_of_broker(session: Session, workers: list[str] | None, release: Version | None) -> Routing:
    from attune_infra.topology.facts.unavailable import with_unlisted
    from attune_infra.topology.routing.route import Routing

    session.require_live_alone(workers=bool(workers))
    with session.broker(Via.HTTP) as broker:
        have = with_unlisted(broker.read(private=True))
        return Routing(have, version=release or release_of(broker))
