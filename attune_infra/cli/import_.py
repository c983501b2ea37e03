"""attune-infra import."""

from __future__ import annotations

from typing import Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._display import Display
from attune_infra.cli._files import read_text
from attune_infra.cli._options import Vhost
from attune_infra.cli._output import finish, tell_reading
from attune_infra.cli._shared import displayed

app = App()

_File = Annotated[str, typer.Argument(metavar="FILE", help="Definitions JSON, or - for standard input.")]


@app.command()
@displayed
def import_(display: Display, file: _File, *, vhost: Vhost = None) -> None:
    """Convert RabbitMQ definitions to a topology document. Objects left out are named on standard error."""
    from attune_infra.render.pages import document as page
    from attune_infra.topology.document.definitions import read_definitions
    from attune_infra.topology.document.text import Document
    from attune_infra.topology.document.write import write

    reading = read_definitions(read_text(file), source=file, vhost=vhost)
    reading.refuse_problems()
    tell_reading(reading)
    finish("import", page, Document(write(reading.topology), reading.left_out), display)
