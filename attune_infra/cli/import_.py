"""attune-infra import."""

from __future__ import annotations

from typing import Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._display import Display
from attune_infra.cli._files import read_text
from attune_infra.cli._options import Vhost
from attune_infra.cli._output import finish, tell_left_out, tell_reading
from attune_infra.cli._shared import displayed
from attune_infra.cli._transform import (
    Exclude,
    Only,
    RenameVhost,
    StripPolicies,
    ToQuorum,
    transformation,
)

app = App()

_File = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="Definitions, YAML of Kubernetes, or what `terraform show -json` prints; - for standard input.",
    ),
]


@app.command()
@displayed
def import_(
    display: Display,
    file: _File,
    *,
    vhost: Vhost = None,
    only: Only = None,
    exclude: Exclude = None,
    to_quorum: ToQuorum = False,
    strip_policies: StripPolicies = False,
    rename_vhost: RenameVhost = None,
) -> None:
    """Convert definitions, or resources of Kubernetes or Terraform, to a document. Names omissions."""
    from attune_infra.render.pages import document as page
    from attune_infra.topology.document.foreign import read_foreign
    from attune_infra.topology.document.text import Document
    from attune_infra.topology.document.write import write

    changes = transformation(
        only, exclude, to_quorum=to_quorum, strip_policies=strip_policies, rename_vhost=rename_vhost
    )
    reading = read_foreign(read_text(file), source=file, vhost=vhost)
    reading.refuse_problems()
    tell_reading(reading)
    topology, notes = changes.apply(reading.topology)
    tell_left_out(notes)
    finish("import", page, Document(write(topology), (*reading.left_out, *notes)), display)
