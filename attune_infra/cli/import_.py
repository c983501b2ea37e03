"""attune-infra import."""

from __future__ import annotations

from typing import Annotated

import typer

from attune_infra.cli._files import read_text
from attune_infra.cli._output import Output, show, tell_left_out

_File = Annotated[str, typer.Argument(metavar="FILE", help="Definitions JSON, or - for standard input.")]
_Vhost = Annotated[
    str | None, typer.Option("--vhost", metavar="NAME", help="Which virtual host, if the file holds several.")
]


def import_(file: _File, *, vhost: _Vhost = None) -> None:
    """Turn RabbitMQ's definitions JSON into a topology document; what has no place in it is named."""
    from attune_infra.topology.definitions import parse_definitions
    from attune_infra.topology.document import Document
    from attune_infra.topology.write import write

    topology, left_out = parse_definitions(read_text(file), source=file, vhost=vhost)
    tell_left_out(left_out)
    show("import", Document(write(topology), left_out), 0, Output.TEXT)
