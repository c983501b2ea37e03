"""attune-infra lint."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._options import Live, TopologyFile, shared
from attune_infra.cli._output import tell, tell_left_out
from attune_infra.cli._release import BrokerVersion, read_release
from attune_infra.cli._session import Session
from attune_infra.errors import BrokerError, WrongUsage
from attune_infra.settings import TOPOLOGY
from attune_infra.topology.lint.severity import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from attune_infra.broker.rabbitmq import RabbitMQ
    from attune_infra.topology.facts.releases import Version
    from attune_infra.topology.lint.finding import Explanation, Linted
    from attune_infra.topology.model import Topology

app = App()

_CODES = "CODE[,CODE...]"
_EVERY = "all"

_Select = Annotated[list[str] | None, typer.Option("--select", metavar=_CODES, help="Only these rules.")]
_Ignore = Annotated[list[str] | None, typer.Option("--ignore", metavar=_CODES, help="All rules but these.")]
_Explain = Annotated[
    list[str] | None,
    typer.Option("--explain", metavar=_CODES, help="Say what these rules (or all) are for, and leave."),
]
_FailOn = Annotated[Severity, typer.Option("--fail-on", help="How bad a finding must be for exit code 2.")]


@app.command()
@shared
def lint(
    session: Session,
    file: TopologyFile = None,
    *,
    live: Live = False,
    broker_version: BrokerVersion = None,
    select: _Select = None,
    ignore: _Ignore = None,
    explain: _Explain = None,
    fail_on: _FailOn = Severity.WARNING,
) -> None:
    """Find what is legal in a topology and unwise. Exit code 2 if anything is as bad as --fail-on."""
    from attune_infra.topology.lint.linter import lint
    from attune_infra.topology.lint.rules import chosen

    if explain:
        session.finish("lint-explain", _explanation(explain))
    run = partial(lint, rules=chosen(_codes(select), _codes(ignore)), fail_on=fail_on)
    version = read_release(broker_version)
    found = _broker(session, file, version, run) if live else _document(session.using(file), version, run)
    session.finish("lint", found, found.exit_code)


def _document(session: Session, version: Version | None, run: Callable[..., Linted]) -> Linted:
    from attune_infra.topology.facts.releases import NEWEST

    text = session.topology_text
    topology, left_out, places = text.parse_with_places(session.virtual_host)
    tell_left_out(left_out)
    return run(topology, source=text.source, version=version or NEWEST, places=places)


def _broker(session: Session, file: str | None, version: Version | None, run: Callable[..., Linted]) -> Linted:
    from attune_infra.topology.facts.compatibility import nearest
    from attune_infra.topology.facts.releases import version_of

    if file is not None or session.flags.get(TOPOLOGY):
        raise WrongUsage("a document and --live are both given", hint="give a document, or --live")
    with session.broker() as broker:
        topology, release = broker.read(), nearest(version_of(broker.check_http()))
        return run(topology, version=version or release, consumers=_consumers(broker, topology))


def _consumers(broker: RabbitMQ, topology: Topology) -> Mapping[str, int]:
    """Return how many consumers the durable queues have; nothing, and a word on it, if they cannot be counted."""
    from attune_infra.topology.policy import expires

    durable = (queue for queue in topology.queues.values() if queue.durable)
    try:
        return broker.consumer_counts([queue.name for queue in durable if not expires(queue, topology)])
    except BrokerError as error:
        tell(f"consumers are not counted: {error.sentence}")
        return {}


def _explanation(codes: Iterable[str]) -> Explanation:
    from attune_infra.topology.lint.finding import Explanation
    from attune_infra.topology.lint.rules import RULES, rule_called

    asked = _codes(codes)
    return Explanation(RULES if _EVERY in asked else tuple(map(rule_called, asked)))


def _codes(words: Iterable[str] | None) -> list[str]:
    codes = [code.strip() for word in words or () for code in word.split(",") if code.strip()]
    if words and not codes:
        raise WrongUsage("no rule is named", hint="rules are named AI001,AI010")
    return codes
