"""attune-infra help."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from attune_infra.cli._app import App
from attune_infra.cli._display import Display
from attune_infra.cli._output import finish
from attune_infra.cli._shared import displayed

app = App()

_Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="COMMAND|TOPIC", help="Command, such as `worker run`, or topic.", show_default=False),
]


@app.command("help")
@displayed
def help_(display: Display, context: typer.Context, words: _Words = None) -> None:
    """Show the help of a command, or of a topic: connection, environment, exit-codes, output."""
    from attune_infra.render.pages import plain_text as page
    from attune_infra.topology.document.text import Document

    finish("help", page, Document(_page(context.find_root(), words or [])), display)


def _page(root: Any, words: list[str]) -> str:
    from attune_infra.cli._help import context_of, write_page
    from attune_infra.cli._help_topics import TOPICS
    from attune_infra.cli._usage import unknown_command

    match words:
        case [topic] if topic in TOPICS:
            return write_page(root, lambda formatter: TOPICS[topic](formatter, root))
        case [name, *_] if name not in root.command.commands:
            raise unknown_command(name, [*root.command.commands, *TOPICS], root.command_path)
    return str(context_of(root, words).get_help())
