"""Options of several worker commands."""

from __future__ import annotations

from typing import Annotated

import typer

from attune_infra.cli._worker_ids import read_worker_ids
from attune_infra.errors import WrongUsage

Name = Annotated[
    str | None,
    typer.Option("--name", help="Name of the worker; default: worker-HOSTNAME.", show_default=False),
]


def require_ids(words: list[str] | None, *, otherwise: str) -> tuple[int, ...]:
    """Return the ids that were given; raise `WrongUsage` if there are none."""
    if not words:
        raise WrongUsage("no worker is given", hint=f"give --id 7, --id 1-20, or {otherwise}")
    return read_worker_ids(words)


def ids_or_all(words: list[str] | None, *, all_: bool) -> tuple[int, ...]:
    """Return the ids that were given, none for all; raise `WrongUsage` for neither or both."""
    if not all_:
        return require_ids(words, otherwise="--all")
    if words:
        raise WrongUsage("--all and ids of workers are given", hint="give one of them")
    return ()
