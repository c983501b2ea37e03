"""Log lines of the commands that stay, as an option, and an address for their endpoints."""

from __future__ import annotations

import sys
from enum import StrEnum
from functools import partial
from typing import Annotated

import typer

from attune_infra.cli._output import LOG
from attune_infra.errors import WrongUsage

_LAST_PORT = 65535


class LogFormat(StrEnum):
    """The format of the lines on standard error."""

    PLAIN = "plain"
    TEXT = "text"
    JSON = "json"


LogFormatOption = Annotated[
    LogFormat | None,
    typer.Option(
        "--log-format",
        help="Lines on standard error: sentences (plain), KEY=VALUE (text), or JSON. "
        "Default: plain on a terminal, otherwise text.",
        show_default=False,
    ),
]


def use_log(chosen: LogFormat | None, *, worker: str | None = None) -> None:
    """Print everything on standard error as log lines from now on; `worker` is the name in each line."""
    if chosen is None:
        chosen = LogFormat.PLAIN if sys.stderr.isatty() else LogFormat.TEXT
    if chosen is LogFormat.PLAIN:
        return
    from attune_infra.worker.log import json_line, text_line

    LOG.line = partial(json_line if chosen is LogFormat.JSON else text_line, worker=worker)


def read_address(text: str) -> tuple[str, int]:
    """Return the host and the port of HOST:PORT; raise `WrongUsage` for any other text."""
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) <= _LAST_PORT):
        raise WrongUsage(f"'{text}' is not an address to listen on", hint="give HOST:PORT, such as 127.0.0.1:9471")
    return host.removeprefix("[").removesuffix("]"), int(port)
