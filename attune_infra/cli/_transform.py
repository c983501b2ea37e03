"""The options that change a topology on its way into a text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from attune_infra.topology.document.transform import Transformation

Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only", metavar="KIND:NAME", help="Write only these objects; * and ? as in a shell; may repeat."
    ),
]
Exclude = Annotated[
    list[str] | None, typer.Option("--exclude", metavar="KIND:NAME", help="Leave these objects out; may repeat.")
]
ToQuorum = Annotated[
    bool, typer.Option("--to-quorum", help="Write durable classic queues as quorum queues; name what they lose.")
]
StripPolicies = Annotated[bool, typer.Option("--strip-policies", help="Leave all policies out.")]
RenameVhost = Annotated[
    str | None, typer.Option("--rename-vhost", metavar="NAME", help="Name of the virtual host in the text.")
]


def transformation(
    only: list[str] | None,
    exclude: list[str] | None,
    *,
    to_quorum: bool,
    strip_policies: bool,
    rename_vhost: str | None,
) -> Transformation:
    """Return the changes that the options ask for; raise `WrongUsage` for a selector that is none."""
    from attune_infra.topology.document.transform import Transformation

    return Transformation(
        only=tuple(only or ()),
        exclude=tuple(exclude or ()),
        to_quorum=to_quorum,
        strip_policies=strip_policies,
        rename_vhost=rename_vhost,
    )
