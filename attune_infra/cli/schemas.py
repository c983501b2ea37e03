"""attune-infra schemas."""

from __future__ import annotations

from typing import Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._display import Display
from attune_infra.cli._output import finish
from attune_infra.cli._shared import displayed

app = App()

_Name = Annotated[
    str | None,
    typer.Argument(metavar="NAME", help="Command or schema: verify, attune-infra/verify/1.", show_default=False),
]


@app.command()
@displayed
def schemas(display: Display, name: _Name = None) -> None:
    """List the JSON Schemas of all --output json, or print one of them."""
    from attune_infra.contract.listing import list_schemas

    if name is not None:
        _print_schema(name, display)
    from attune_infra.render.pages import schemas as page

    finish("schemas", page, list_schemas(), display)


def _print_schema(name: str, display: Display) -> None:
    from attune_infra.contract.listing import find_schema
    from attune_infra.contract.schema import schema_text
    from attune_infra.render.pages import document as page
    from attune_infra.topology.document.text import Document

    finish("schemas", page, Document(schema_text(find_schema(name))), display)
