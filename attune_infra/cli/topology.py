"""attune-infra topology check, topology show, topology schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._options import OutputOption, Vhost
from attune_infra.cli._output import Output, finish, tell
from attune_infra.settings import DEFAULT_TOPOLOGY

if TYPE_CHECKING:
    from attune_infra.topology.check import CheckedText

app = App()

_Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE...", help="YAML documents or RabbitMQ definitions; - for standard input.", show_default=False
    ),
]
_Name = Annotated[str, typer.Option("--topology", metavar="NAME", help="Built-in topology.")]


@app.command()
def check(files: _Files, *, vhost: Vhost = None, output: OutputOption = Output.TEXT) -> None:
    """Check documents and run their routes. Every problem is named with its line and column."""
    from attune_infra.render.pages import check as page
    from attune_infra.topology.check import CheckedTexts

    checked = CheckedTexts(tuple(_check_file(file, vhost) for file in files))
    if output is Output.TEXT:
        for text in checked.texts:
            for complaint in text.complaints():
                tell(complaint)
    finish("topology-check", page, checked, output)


@app.command("show")
def show_(topology: _Name = DEFAULT_TOPOLOGY) -> None:
    """Print the document of a built-in topology, as a start for your own."""
    from attune_infra.cli._topology import builtin_text
    from attune_infra.render.pages import document as page
    from attune_infra.topology.document.text import Document

    finish("topology-show", page, Document(builtin_text(topology)), Output.TEXT)


@app.command()
def schema() -> None:
    """Print the JSON Schema of topology documents, for editors."""
    from attune_infra.render.pages import document as page
    from attune_infra.topology.document.schema import schema_text
    from attune_infra.topology.document.text import Document

    finish("topology-schema", page, Document(schema_text()), Output.TEXT)


def _check_file(file: str, vhost: str | None) -> CheckedText:
    from attune_infra.cli._files import read_text
    from attune_infra.cli._topology import TopologyText
    from attune_infra.errors import InvalidInput
    from attune_infra.topology.check import CheckedText, check_routes
    from attune_infra.topology.document.problems import InvalidDocument

    try:
        topology, _ = TopologyText(file, read_text(file)).parse(vhost)
    except InvalidDocument as error:
        return CheckedText(source=file, problems=error.problems)
    except InvalidInput as error:
        return CheckedText(source=file, failure=error.sentence, hint=error.hint)
    return check_routes(file, topology)
