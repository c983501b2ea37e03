"""attune-infra import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._display import Display
from attune_infra.cli._files import read_text
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

if TYPE_CHECKING:
    from attune_infra.topology.document.reading import Reading
    from attune_infra.topology.document.text import Document
    from attune_infra.topology.document.transform import Transformation

app = App()

_File = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="Definitions, YAML of Kubernetes, or what `terraform show -json` prints; - for standard input.",
    ),
]
_Vhost = Annotated[
    str | None, typer.Option("--vhost", metavar="NAME", help="Virtual host to read, if the file has several.")
]
_All = Annotated[
    bool,
    typer.Option(
        "--all", help="All virtual hosts with their settings; of definitions also what administrators set."
    ),
]
_Hashes = Annotated[
    bool, typer.Option("--password-hashes", help="With --all, also hashes of passwords, which are secrets.")
]


@app.command()
@displayed
def import_(
    display: Display,
    file: _File,
    *,
    vhost: _Vhost = None,
    everything: _All = False,
    password_hashes: _Hashes = False,
    only: Only = None,
    exclude: Exclude = None,
    to_quorum: ToQuorum = False,
    strip_policies: StripPolicies = False,
    rename_vhost: RenameVhost = None,
) -> None:
    """Convert definitions, or resources of Kubernetes or Terraform, to a document. Names omissions."""
    from attune_infra.render.pages import document as page
    from attune_infra.topology.document.foreign.recognise import read_foreign

    changes = transformation(
        only, exclude, to_quorum=to_quorum, strip_policies=strip_policies, rename_vhost=rename_vhost
    )
    reading = read_foreign(read_text(file), source=file, vhost=vhost, everything=everything)
    reading.refuse_problems()
    tell_reading(reading)
    document = _document(reading, changes, everything=everything, hashes=password_hashes)
    tell_left_out(document.left_out)
    finish("import", page, document.leaving_out(reading.left_out), display)


def _document(reading: Reading, changes: Transformation, *, everything: bool, hashes: bool) -> Document:
    from attune_infra.topology.document.export import as_document
    from attune_infra.topology.document.text import Document
    from attune_infra.topology.document.write import write

    topology, notes = changes.apply(reading.topology)
    document = as_document(topology, password_hashes=hashes) if everything else Document(write(topology))
    return document.leaving_out(notes)
