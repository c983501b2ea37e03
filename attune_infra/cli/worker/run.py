"""attune-infra worker run."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._consent import confirm_target
from attune_infra.cli._durations import duration_option
from attune_infra.cli._log import LogFormatOption, read_address, use_log
from attune_infra.cli._output import tell
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.cli._staying import keep_running
from attune_infra.cli._target import require_named
from attune_infra.cli.worker._options import Name
from attune_infra.errors import WrongUsage
from attune_infra.settings import Via

if TYPE_CHECKING:
    from attune_infra.broker.inbox import AmqpInbox
    from attune_infra.worker.handler import Handler
    from attune_infra.worker.readiness import Readiness

app = App()

_Exec = Annotated[
    str | None,
    typer.Option(
        "--exec", metavar="COMMAND", help="Command to run for each message, with the message on standard input."
    ),
]
_Prefetch = Annotated[
    int, typer.Option("--prefetch", min=1, max=65535, help="Messages to hold while one is processed.")
]
_Heartbeat = Annotated[
    float,
    duration_option("--heartbeat", about="Time between heartbeats to the registry: 30s.", minimum=0.1),
]
_DeadLetterExchange = Annotated[
    str | None,
    typer.Option(
        "--dead-letter-exchange", help="Exchange for rejected messages; default: that of the topology's queues."
    ),
]
_Health = Annotated[
    str | None,
    typer.Option("--health", metavar="HOST:PORT", help="Serve /healthz, and /readyz for its consumer, here."),
]


@app.command()
@shared(Uses.TOPOLOGY | Uses.FILE | Uses.BROKER | Uses.REGISTRY)
def run(
    session: Session,
    *,
    name: Name = None,
    command: _Exec = None,
    prefetch: _Prefetch = 10,
    heartbeat: _Heartbeat = 30.0,
    dead_letter_exchange: _DeadLetterExchange = None,
    health: _Health = None,
    log_format: LogFormatOption = None,
) -> None:
    """Run a worker: register, consume, and pass each message to a command, until SIGTERM.

    Exit code 0 of the command acknowledges a message. Any other sends it to the dead letter exchange.
    """
    from attune_infra.worker.register import registration
    from attune_infra.worker.run import run_worker

    described, handler = registration(name, None, None, None, ()), _handler(command)
    use_log(log_format, worker=described.name)
    inbox = _inbox(session, prefetch, dead_letter_exchange)
    confirm_target(session, has_plan=False)
    readiness = _serve_health(health)
    keep_running()
    # `run_worker` itself waits as long as needed, and still reacts to SIGTERM
    connect = replace(session, given_wait=None).registry
    run_worker(described, connect, inbox, handler, heartbeat=heartbeat, tell=tell, readiness=readiness)


def _serve_health(address: str | None) -> Readiness:
    """Return the readiness of the worker, which is served at an address if there is one."""
    from attune_infra.worker.readiness import Readiness

    readiness = Readiness()
    if address is not None:
        from attune_infra.worker.endpoints import Endpoints, serve

        host, port = read_address(address)
        tell(f"health is at http://{host}:{serve(host, port, Endpoints(readiness))}/healthz")
    return readiness


def _inbox(session: Session, prefetch: int, dead_letter_exchange: str | None) -> AmqpInbox:
    from attune_infra.broker.inbox import AmqpInbox
    from attune_infra.topology.worker import named_dead_letter_exchange

    topology = session.topology
    exchange = dead_letter_exchange or named_dead_letter_exchange(topology)
    require_named(session.settings, Via.AMQP)
    return AmqpInbox(
        session.settings, topology, prefetch=prefetch, dead_letter_exchange=exchange, on_open=session.note
    )


def _handler(command: str | None) -> Handler:
    from attune_infra.worker import handler

    return handler.Nothing() if command is None else handler.Command(_words_of(command))


def _words_of(command: str) -> list[str]:
    """Return the words of a command; raise `WrongUsage` unless its first word is an executable program."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise WrongUsage(f"--exec cannot be split into words: {error}", hint="quote it as for a shell") from error
    if not words or shutil.which(words[0]) is None:
        raise WrongUsage(
            f"there is no executable command '{words[0] if words else ''}'",
            hint="--exec runs a program, without a shell; for a shell give --exec 'sh -c \"...\"'",
        )
    return words
