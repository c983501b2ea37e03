"""Options of several worker commands."""

from __future__ import annotations

from typing import Annotated

import typer

from attune_infra.cli._worker_ids import read_worker_ids
from attune_infra.errors import WrongUsage

Ids = Annotated[
    list[str] | None,
    typer.Option("--id", metavar="ID", help="Worker id, or a range: 1-2000. May repeat.", show_default=False),
]
Id = Annotated[int, typer.Option("--id", min=1, help="Worker id.")]
Name = Annotated[
    str | None,
    typer.Option("--name", help="Name of the worker; default: worker-HOSTNAME.", show_default=False),
]


def require_ids(words: list[str] | None, *, otherwise: str) -> tuple[int, ...]:
    """Return the ids that were given; raise `WrongUsage` if there are none."""
    if not words:
        raise WrongUsage("no worker is given", hint=f"give --id 7, --id 1-20, or {otherwise}")
    return read_worker_ids(words)
