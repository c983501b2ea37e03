"""attune-infra worker run."""

from __future__ import annotations

import gc
import shlex
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._options import finite, shared
from attune_infra.cli._output import tell
from attune_infra.cli._session import Session
from attune_infra.cli.worker._options import Name
from attune_infra.errors import InvalidInput

if TYPE_CHECKING:
    from attune_infra.worker.handler import Handler

app = App()

_Exec = Annotated[
    str | None,
    typer.Option("--exec", metavar="COMMAND", help="Run this for each message, which is on its standard input."),
]
_Prefetch = Annotated[
    int, typer.Option("--prefetch", min=1, max=65535, help="Messages to hold while one is worked on.")
]
_Heartbeat = Annotated[
    float,
    typer.Option("--heartbeat", min=0.1, help="Seconds between heartbeats to the registry.", callback=finite),
]
_DeadLetterExchange = Annotated[
    str | None,
    typer.Option(
        "--dead-letter-exchange", help="Where rejected messages go; by default what the topology's queues name."
    ),
]


@app.command()
@shared
def run(
    session: Session,
    *,
    name: Name = None,
    command: _Exec = None,
    prefetch: _Prefetch = 10,
    heartbeat: _Heartbeat = 30.0,
    dead_letter_exchange: _DeadLetterExchange = None,
) -> None:
    """Be a worker: register, consume, hand each message to a command, until SIGTERM.

    Exit code 0 of the command acknowledges a message, any other hands it to the dead letter exchange.
    """
    from attune_infra.broker.inbox import AmqpInbox
    from attune_infra.topology.worker import named_dead_letter_exchange
    from attune_infra.worker.register import registration
    from attune_infra.worker.run import live

    topology = session.topology
    exchange = dead_letter_exchange or named_dead_letter_exchange(topology)
    inbox = AmqpInbox(session.settings, topology, prefetch=prefetch, dead_letter_exchange=exchange)
    described, handler = registration(name, None, None, None, ()), _handler(command)
    gc.enable()  # this command stays
    at_once = replace(session, wait=0.0)  # `live` waits itself, as long as it takes, and hears SIGTERM meanwhile
    live(described, at_once.registry, inbox, handler, heartbeat=heartbeat, tell=tell)


def _handler(command: str | None) -> Handler:
    from attune_infra.worker import handler

    if command is None:
        return handler.Nothing()
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise InvalidInput(f"the command cannot be read: {error}", hint="it is split as a shell does") from error
    if not words or shutil.which(words[0]) is None:
        raise InvalidInput(
            f"there is no command '{words[0] if words else ''}' that can be executed",
            hint="it is no shell: for one give --exec 'sh -c \"...\"'",
        )
    return handler.Command(words)
