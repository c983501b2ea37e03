"""attune-infra topology check, topology show, topology schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._options import OutputOption, Vhost
from attune_infra.cli._output import Output, show, tell
from attune_infra.settings import DEFAULT_TOPOLOGY

if TYPE_CHECKING:
    from attune_infra.topology.check import CheckedText

app = App()

_Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE...", help="YAML documents or definitions JSON; - for standard input.", show_default=False
    ),
]
_Name = Annotated[str, typer.Option("--topology", metavar="NAME", help="A built-in topology.")]


@app.command()
def check(files: _Files, *, vhost: Vhost = None, output: OutputOption = Output.TEXT) -> None:
    """Check documents without a broker, run their routes, and name every problem with its line and column."""
    from attune_infra.topology.check import CheckedTexts

    checked = CheckedTexts(tuple(_checked(file, vhost) for file in files))
    if output is Output.TEXT:
        for text in checked.texts:
            for complaint in text.complaints():
                tell(complaint)
    show("topology-check", checked, checked.exit_code, output)
    raise typer.Exit(checked.exit_code)


@app.command("show")
def show_(topology: _Name = DEFAULT_TOPOLOGY) -> None:
    """Print the document of a built-in topology, to start one's own from."""
    from attune_infra.cli._topology import builtin_text
    from attune_infra.topology.document.text import Document

    show("topology-show", Document(builtin_text(topology)), 0, Output.TEXT)


@app.command()
def schema() -> None:
    """Print the JSON Schema of topology documents, which tells editors what may stand where."""
    from attune_infra.topology.document.schema import schema_text
    from attune_infra.topology.document.text import Document

    show("topology-schema", Document(schema_text()), 0, Output.TEXT)


def _checked(file: str, vhost: str | None) -> CheckedText:
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
        return CheckedText(source=file, failure=error.sentence)
    return check_routes(file, topology)
