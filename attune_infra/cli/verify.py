"""attune-infra verify."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._consent import confirm_target
from attune_infra.cli._options import Workers
from attune_infra.cli._progress import busy
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.cli._target import Asked
from attune_infra.cli._worker_ids import read_worker_ids
from attune_infra.errors import BrokerError, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from attune_infra.broker.rabbitmq import RabbitMQ
    from attune_infra.interfaces import Broker, ProbeBroker
    from attune_infra.topology.model import Topology
    from attune_infra.topology.verify import Check, Demands, Verification

app = App()

_RequireConsumers = Annotated[
    bool,
    typer.Option("--require-consumers", help="Treat a worker without its consumer as drift, not as a warning."),
]
_RequireQuorum = Annotated[
    bool,
    typer.Option(
        "--require-quorum",
        help="Check that a majority of the members of each quorum queue and stream is online; warn if no more "
        "node may be lost.",
    ),
]
_Strict = Annotated[bool, typer.Option("--strict", help="Treat undeclared objects as drift, not as a warning.")]
_Probe = Annotated[
    bool,
    typer.Option(
        "--probe",
        help="Prove each route with a real message, in a temporary virtual host. Needs an administrator.",
    ),
]


@app.command()
@shared(Uses.DISPLAY | Uses.REPORTS | Uses.TOPOLOGY | Uses.FILE | Uses.VHOST | Uses.BROKER)
def verify(
    session: Session,
    *,
    worker: Workers = None,
    require_consumers: _RequireConsumers = False,
    require_quorum: _RequireQuorum = False,
    strict: _Strict = False,
    probe: _Probe = False,
) -> None:
    """Check that the broker matches the topology. Exit code 2 on drift, 1 if a check was not possible."""
    from attune_infra.render.pages import verify as page
    from attune_infra.topology.verify import Demands

    worker_ids = _ids(worker, require_consumers=require_consumers)
    demands = Demands(worker_ids=worker_ids, require_consumers=require_consumers, strict=strict)
    check = partial(_verify, demands=demands, probe=probe, quorum=require_quorum)
    if session.is_for_several:
        from attune_infra.cli._each import AT_ONCE, finish_each

        finish_each(session, "verify", page, check, at_once=1 if probe else AT_ONCE)
    given = session.with_reading()
    given.finish_reviewed("verify", page, check(given))


def _verify(session: Session, *, demands: Demands, probe: bool, quorum: bool) -> Verification:
    want = session.readable_topology
    with session.broker(writes=probe, asked=Asked.HTTP_IF_IT_ANSWERS) as broker:
        if probe:
            confirm_target(session, has_plan=False)
        with busy("checking"):
            return _check(session, broker, want, demands, probe=probe, quorum=quorum)


def _check(
    session: Session, broker: RabbitMQ, want: Topology, demands: Demands, *, probe: bool, quorum: bool
) -> Verification:
    from attune_infra.operations.verify import verify

    found = verify(broker, want, demands)
    if quorum:
        found = _with_quorum(found, broker, want)
    if probe:
        found = _with_probe(found, broker, want)
    return replace(found.plus(_checks_of_file(session, broker)), origin=session.origin)


def _with_quorum(found: Verification, broker: RabbitMQ, want: Topology) -> Verification:
    from attune_infra.operations.quorum import check_quorum

    return found.plus(check_quorum(broker, want))


def _ids(words: list[str] | None, *, require_consumers: bool) -> tuple[int, ...]:
    if require_consumers and not words:
        raise WrongUsage("--require-consumers is about workers, and none is given", hint="add --worker 1-20")
    return read_worker_ids(words or ())


def _checks_of_file(session: Session, broker: Broker) -> Iterator[Check]:
    """Yield an unknown check for each fault of definitions, since what it leaves open was not checked."""
    from attune_infra.cli._release import release_of
    from attune_infra.topology.facts.compatibility import RELEASES
    from attune_infra.topology.verify import Check, Code, Verdict

    reading, asked = session.reading, RELEASES
    if reading.problems:
        with suppress(BrokerError):  # it does not answer, which is a check of its own
            asked = (release_of(broker),)
    for fault in reading.refused_by(*asked):
        name = f"{reading.source}:{fault.line}:{fault.column}"
        yield Check(Code.FILE_READABLE, fault, name, Verdict.UNKNOWN, fault.what)


def _with_probe(found: Verification, broker: ProbeBroker, want: Topology) -> Verification:
    from attune_infra.cli._signals import exit_on_signals
    from attune_infra.operations.probe import probe

    with exit_on_signals():
        return found.plus(probe(broker, want))
