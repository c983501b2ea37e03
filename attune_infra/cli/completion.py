"""attune-infra completion."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._display import Display
from attune_infra.cli._output import finish
from attune_infra.cli._shared import displayed

app = App()


class Shell(StrEnum):
    """A shell that completes commands."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


_Shell = Annotated[Shell, typer.Argument(metavar="SHELL", help="Shell: bash (4.4 or newer), zsh or fish.")]


@app.command()
@displayed
def completion(display: Display, shell: _Shell) -> None:
    """Print the completion of commands, options and values for a shell: bash, zsh or fish.

    The shell reads it at its start, from a file or from a line in its own configuration. Names of exchanges,
    queues and workers come from the broker and the registry that the settings name, if they answer in a second.
    """
    from attune_infra.cli._completion_scripts import SCRIPTS
    from attune_infra.render.pages import plain_text as page
    from attune_infra.topology.document.text import Document

    finish("completion", page, Document(SCRIPTS[shell]), display)
