"""attune-infra export."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._files import write_whole
from attune_infra.cli._options import ToFile, shared
from attune_infra.cli._output import tell_left_out
from attune_infra.cli._session import Session
from attune_infra.settings import Via

app = App()


class Format(StrEnum):
    """The format of an export."""

    TOPOLOGY = "topology"
    DEFINITIONS = "definitions"


_Format = Annotated[
    Format, typer.Option("--format", help="A document for this program, or definitions that RabbitMQ loads.")
]


@app.command()
@shared
def export(session: Session, *, as_format: _Format = Format.TOPOLOGY, to: ToFile = None) -> None:
    """Write the virtual host as a document. Objects left out are named on standard error."""
    from attune_infra.render.pages import document as page
    from attune_infra.topology.document.export import as_definitions, as_document

    exported = as_document if as_format is Format.TOPOLOGY else as_definitions
    with session.broker(Via.HTTP) as broker:
        document = exported(broker.read())
    if to is not None:
        write_whole(to, document.text)
    tell_left_out(document.left_out)
    session.finish("export", page, replace(document, file=str(to) if to else None))
