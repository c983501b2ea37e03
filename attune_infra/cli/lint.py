"""attune-infra lint."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from attune_infra.cli._app import App
from attune_infra.cli._documents import Files, documents_in
from attune_infra.cli._options import Live
from attune_infra.cli._output import tell, tell_left_out
from attune_infra.cli._release import BrokerVersion, read_release, release_of
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.errors import BrokerError, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from attune_infra.broker.rabbitmq import RabbitMQ
    from attune_infra.cli._topology import TopologyText
    from attune_infra.topology.document.problems import InvalidDocument
    from attune_infra.topology.document.reading import Reading
    from attune_infra.topology.facts.releases import Version
    from attune_infra.topology.lint.finding import Linted
    from attune_infra.topology.model import Topology

app = App()

_CODES = "CODE[,CODE...]"
_EVERY = "all"

_Select = Annotated[list[str] | None, typer.Option("--select", metavar=_CODES, help="Check only these rules.")]
_Ignore = Annotated[
    list[str] | None, typer.Option("--ignore", metavar=_CODES, help="Check all rules except these.")
]
_Explain = Annotated[
    list[str] | None,
    typer.Option("--explain", metavar=_CODES, help="Explain these rules, or all, and exit."),
]
_FailOn = Annotated[
    Literal["error", "warning", "info"] | None,
    typer.Option(
        "--fail-on", help="Least severe finding that makes the exit code 2; default: warning.", show_default=False
    ),
]


@app.command()
@shared(Uses.DISPLAY | Uses.REPORTS | Uses.TOPOLOGY | Uses.VHOST | Uses.BROKER)
def lint(
    session: Session,
    files: Files = None,
    *,
    live: Live = False,
    broker_version: BrokerVersion = None,
    select: _Select = None,
    ignore: _Ignore = None,
    explain: _Explain = None,
    fail_on: _FailOn = None,
) -> None:
    """Find legal but unwise parts of a topology. Exit code 2 for a finding as severe as --fail-on."""
    if explain:
        _refuse_beside_explain(files, live, broker_version, select, ignore, fail_on, session.display.is_for_ci)
        _finish_explained(session, _codes(explain))
    from attune_infra.render.pages import lint as page
    from attune_infra.topology.lint.finding import LintedTexts

    run, version = _checks(select, ignore, fail_on), read_release(broker_version)
    read = _live if live else _documents
    found = read(session, files, version, run)
    session.finish_reviewed("lint", page, LintedTexts(tuple(found)))


def _checks(select: list[str] | None, ignore: list[str] | None, fail_on: str | None) -> Callable[..., Linted]:
    """Return the check of one topology by the chosen rules."""
    from attune_infra.topology.lint.linter import lint
    from attune_infra.topology.lint.rules import choose_rules
    from attune_infra.topology.model import Severity

    rules = choose_rules(_codes(select), _codes(ignore))
    return partial(lint, rules=rules, fail_on=Severity(fail_on or Severity.WARNING))


def _documents(
    session: Session, files: list[str] | None, version: Version | None, run: Callable[..., Linted]
) -> Iterator[Linted]:
    session.refuse_broker_options()
    for name in documents_in(files) if files else [None]:
        yield from _document(session.using(name), version, run)


def _document(session: Session, version: Version | None, run: Callable[..., Linted]) -> Iterator[Linted]:
    """Yield the findings in a document, for each of its virtual hosts that is asked for."""
    from attune_infra.topology.document.problems import InvalidDocument
    from attune_infra.topology.facts.releases import NEWEST

    text, release, chosen = session.topology_text, version or NEWEST, next(iter(session.vhosts), None)
    try:
        whole = text.read_for(session.virtual_host, chosen=chosen, with_places=True)
    except InvalidDocument as error:
        yield _unreadable(text, error, release)
        return
    tell_left_out(whole.left_out)
    check = partial(run, version=release, beside=whole.topology.virtual_hosts)
    for reading in whole.parts(session.vhosts):
        linted = _part(session.with_queue_ttl(reading.topology), reading, check)
        yield replace(linted, problems=reading.problems, file=text.file)


def _part(topology: Topology, reading: Reading, check: Callable[..., Linted]) -> Linted:
    """Return the findings in one virtual host of a document, or in a whole one that names none."""
    linted, settings = check(topology, source=reading.source, places=reading.places), topology.virtual_host
    return linted.naming_virtual_host(None if settings is None else settings.name)


def _unreadable(text: TopologyText, error: InvalidDocument, release: Version) -> Linted:
    from attune_infra.topology.lint.finding import Linted

    none = Linted(source=text.source, version=release, findings=(), is_readable=False)
    return replace(none, problems=error.problems, file=text.file)


def _live(
    session: Session, files: list[str] | None, version: Version | None, run: Callable[..., Linted]
) -> Iterator[Linted]:
    """Yield the findings in the broker, for each of its virtual hosts that is asked for."""
    session.require_live_alone(files)
    for each in session.each_on_broker():
        yield _broker(each, version, run).naming_virtual_host(each.place if len(session.vhosts) > 1 else None)


def _broker(session: Session, version: Version | None, run: Callable[..., Linted]) -> Linted:
    from attune_infra.topology.facts.unavailable import unlisted, with_unlisted, without_bindings

    with session.broker() as broker:
        topology, release = broker.read(private=True), version or release_of(broker)
        if names := unlisted(topology):
            tell(f"{without_bindings(names)}: a message may be lost or arrive, and no finding is about that")
        return run(with_unlisted(topology), version=release, consumers=_consumers(broker, topology))


def _consumers(broker: RabbitMQ, topology: Topology) -> Mapping[str, int]:
    """Return the numbers of consumers of durable queues; none, with a sentence, if they cannot be counted."""
    from attune_infra.topology.facts.machinery import is_hidden
    from attune_infra.topology.policy import tells_consumers

    durable = (queue for queue in topology.queues.values() if queue.durable and not is_hidden(queue))
    try:
        return broker.consumer_counts([queue.name for queue in durable if tells_consumers(queue, topology)])
    except BrokerError as error:
        tell(f"cannot count consumers: {error.sentence}")
        return {}


def _refuse_beside_explain(*others: object) -> None:
    if any(others):
        raise WrongUsage(
            "--explain prints rules; a document, or an option for a check or its reports, is given too",
            hint="give --explain alone",
        )


def _finish_explained(session: Session, codes: Sequence[str]) -> NoReturn:
    from attune_infra.render.pages import lint_explain as page
    from attune_infra.topology.lint.examples import load_example
    from attune_infra.topology.lint.finding import Explanation
    from attune_infra.topology.lint.rules import RULES, find_rule

    rules = RULES if _EVERY in codes else map(find_rule, codes)
    explanation = Explanation(tuple((rule, load_example(rule.code)) for rule in rules))
    session.finish("lint-explain", page, explanation)


def _codes(words: Iterable[str] | None) -> list[str]:
    codes = [code.strip() for word in words or () for code in word.split(",") if code.strip()]
    if words and not codes:
        raise WrongUsage("no rule is given", hint="give codes of rules: AI001,AI010")
    return codes
