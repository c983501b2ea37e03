"""All commands of the program, as the parser sees them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from attune_infra.cli import app
from attune_infra.cli._app import path_of
from attune_infra.cli._help import contexts_below


def every_command() -> Iterator[tuple[str, Any]]:
    """Yield the path of each command and group, empty for the program, with the context that it runs in."""
    root = get_command(app).make_context("attune-infra", ["help"], resilient_parsing=True)
    for context in contexts_below(root):
        yield path_of(context), context


COMMANDS = dict(every_command())
PATHS = [*COMMANDS]
LEAVES = [path for path, context in COMMANDS.items() if not hasattr(context.command, "commands")]
