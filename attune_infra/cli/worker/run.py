"""attune-infra worker run."""

from __future__ import annotations

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
from attune_infra.cli.worker._handling import Handling, OnTimeout
from attune_infra.cli.worker._options import Name
from attune_infra.settings import Via

if TYPE_CHECKING:
    from attune_infra.broker.messages.inbox import AmqpInbox
    from attune_infra.worker.readiness import Readiness

app = App()

_Exec = Annotated[
    str | None,
    typer.Option(
        "--exec", metavar="COMMAND", help="Command to run for each message, with the message on standard input."
    ),
]
_Timeout = Annotated[
    float | None,
    duration_option(
        "--handler-timeout",
        about="Longest time for the command: 5m. Then its processes get SIGTERM, and 5 s later SIGKILL. Times "
        "--prefetch, it has to be shorter than RabbitMQ's consumer_timeout (30m). Default: no limit.",
        minimum=0.1,
    ),
]
_OnTimeoutOption = Annotated[
    OnTimeout | None,
    typer.Option(
        "--on-timeout",
        help="Fate of a message whose command took too long: to the dead letter exchange (reject, the default), "
        "or back to its queue (requeue, which needs --max-attempts).",
        show_default=False,
    ),
]
_MaxAttempts = Annotated[
    int | None,
    typer.Option(
        "--max-attempts",
        metavar="N",
        min=1,
        help="Reject a message that was delivered N times and never finished, even if it killed the worker. Only "
        "quorum queues count that; for others, a worker counts in memory, until it ends. Sets --prefetch 1.",
        show_default=False,
    ),
]
_Prefetch = Annotated[
    int | None,
    typer.Option(
        "--prefetch",
        min=1,
        max=65535,
        help="Messages to hold while one is processed; default: 10, with --max-attempts 1.",
        show_default=False,
    ),
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
@shared(Uses.TOPOLOGY | Uses.FILE | Uses.ONE_VHOST | Uses.BROKER | Uses.REGISTRY | Uses.NO_END)
def run(
    session: Session,
    *,
    name: Name = None,
    command: _Exec = None,
    handler_timeout: _Timeout = None,
    on_timeout: _OnTimeoutOption = None,
    max_attempts: _MaxAttempts = None,
    prefetch: _Prefetch = None,
    heartbeat: _Heartbeat = 30.0,
    dead_letter_exchange: _DeadLetterExchange = None,
    health: _Health = None,
    log_format: LogFormatOption = None,
) -> None:
    """Run a worker: register, consume, and pass each message to a command, until SIGTERM.

    Exit code 0 of the command acknowledges a message. Any other sends it to the dead letter exchange. Processes
    that the command leaves behind are killed, unless they have left its process group.
    """
    from attune_infra.worker.register import registration
    from attune_infra.worker.run import run_worker

    described = registration(name, None, None, None, ())
    handling = Handling.of(command, handler_timeout, on_timeout, max_attempts, prefetch)
    use_log(log_format, worker=described.name)
    inbox = _inbox(session := session.with_reading(), handling.prefetch, dead_letter_exchange)
    confirm_target(session, has_plan=False)
    readiness, rules, handler = _serve_health(health), handling.rules, handling.handler()
    keep_running()
    connect = _without_wait(session).registry
    run_worker(
        described, connect, inbox, handler, heartbeat=heartbeat, rules=rules, tell=tell, readiness=readiness
    )


def _without_wait(session: Session) -> Session:
    """Return a session that does not wait: the worker waits itself, as long as needed, and reacts to SIGTERM."""
    return replace(session, given_wait=None)


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
    from attune_infra.broker.messages.inbox import AmqpInbox
    from attune_infra.topology.worker import named_dead_letter_exchange

    topology = session.topology
    exchange = dead_letter_exchange or named_dead_letter_exchange(topology)
    require_named(session.settings, Via.AMQP)
    return AmqpInbox(
        session.settings, topology, prefetch=prefetch, dead_letter_exchange=exchange, on_open=session.note
    )
