"""attune-infra topology check, topology show, topology schema."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._display import Display, Output
from attune_infra.cli._documents import Files, SameFiles, documents_in, one_of
from attune_infra.cli._files import STDIN
from attune_infra.cli._options import Vhost
from attune_infra.cli._output import finish, tell
from attune_infra.cli._reports import finish_reviewed
from attune_infra.cli._shared import displayed, displayed_in_ci
from attune_infra.settings import DEFAULT_TOPOLOGY

if TYPE_CHECKING:
    from attune_infra.topology.check import CheckedText

app = App()

_Name = Annotated[str | None, typer.Argument(metavar="NAME", help="Built-in topology.", show_default=False)]
_SameName = Annotated[
    str | None, typer.Option("--topology", metavar="NAME", help="The same as NAME.", show_default=False)
]


@app.command()
@displayed_in_ci
def check(display: Display, files: Files = None, *, topology: SameFiles = None, vhost: Vhost = None) -> None:
    """Check documents and run their routes. Every problem is named with its line and column."""
    from attune_infra.render.pages import check as page
    from attune_infra.topology.check import CheckedTexts

    names = documents_in([*(files or ()), *(topology or ())])
    checked = CheckedTexts(tuple(_check_file(name, vhost) for name in names))
    if display.output == Output.TEXT:
        for text in checked.texts:
            for complaint in text.complaints():
                tell(complaint)
    finish_reviewed("topology-check", page, checked, display)


@app.command("show")
@displayed
def show_(display: Display, name: _Name = None, *, topology: _SameName = None) -> None:
    """Print the document of a built-in topology, as a start for your own."""
    from attune_infra.cli._topology import builtin_text
    from attune_infra.render.pages import document as page
    from attune_infra.topology.document.text import Document

    finish("topology-show", page, Document(builtin_text(one_of(name, topology) or DEFAULT_TOPOLOGY)), display)


@app.command()
@displayed
def schema(display: Display) -> None:
    """Print the JSON Schema of topology documents, for editors."""
    from attune_infra.render.pages import document as page
    from attune_infra.topology.document.schema import schema_text
    from attune_infra.topology.document.text import Document

    finish("topology-schema", page, Document(schema_text()), display)


def _check_file(name: str, vhost: str | None) -> CheckedText:
    from attune_infra.cli._topology import text_in
    from attune_infra.errors import InvalidInput
    from attune_infra.topology.check import CheckedText, check_routes
    from attune_infra.topology.document.problems import InvalidDocument

    file = None if name == STDIN else name
    try:
        topology, _ = text_in(name).parse(vhost)
    except InvalidDocument as error:
        return CheckedText(source=name, problems=error.problems, file=file)
    except InvalidInput as error:
        return CheckedText(source=name, failure=error.sentence, hint=error.hint, file=file)
    return replace(check_routes(name, topology), file=file)
