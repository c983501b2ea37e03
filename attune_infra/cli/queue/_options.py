"""Options of several commands about the messages of a queue."""

from __future__ import annotations

from typing import Annotated

import typer

from attune_infra.messages.selection import SYNTAX

Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="NAME=VALUE",
        help=f"Only messages for which this holds: {SYNTAX}. May repeat; then all must hold.",
        show_default=False,
    ),
]
