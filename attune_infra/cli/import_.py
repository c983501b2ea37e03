"""attune-infra import."""

from __future__ import annotations

from typing import Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._files import read_text
from attune_infra.cli._options import OutputOption, Vhost
from attune_infra.cli._output import Output, finish, tell_reading

app = App()

_File = Annotated[str, typer.Argument(metavar="FILE", help="Definitions JSON, or - for standard input.")]


@app.command()
def import_(file: _File, *, vhost: Vhost = None, output: OutputOption = Output.TEXT) -> None:
    """Convert RabbitMQ definitions to a topology document. Objects left out are named on standard error."""
    from attune_infra.render.pages import document as page
    from attune_infra.topology.document.definitions import read_definitions
    from attune_infra.topology.document.text import Document
    from attune_infra.topology.document.write import write

    reading = read_definitions(read_text(file), source=file, vhost=vhost)
    reading.refuse_problems()
    tell_reading(reading)
    finish("import", page, Document(write(reading.topology), reading.left_out), output)
