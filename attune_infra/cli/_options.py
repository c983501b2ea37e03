"""Options of several commands, as named types. Those of whole groups are in `_shared`."""

from __future__ import annotations

from typing import Annotated

import typer

from attune_infra.settings import Via

Vhosts = Annotated[
    list[str] | None,
    typer.Option("--vhost", metavar="NAME", help="Virtual host, if the topology has several. May repeat."),
]
OneVhost = Annotated[
    list[str] | None, typer.Option("--vhost", metavar="NAME", help="Virtual host, if the topology has several.")
]
Places = Annotated[
    list[str] | None,
    typer.Option(
        "--vhost",
        metavar="NAME",
        help="Virtual host of the broker; default: that of the AMQP URL. May repeat.",
        show_default=False,
    ),
]
Place = Annotated[
    list[str] | None,
    typer.Option(
        "--vhost",
        metavar="NAME",
        help="Virtual host of the broker; default: that of the AMQP URL.",
        show_default=False,
    ),
]
"""`OneVhost` and `Place` are lists so that a second value is refused; it would take the place of the first."""
ViaOption = Annotated[Via, typer.Option("--via", help="Protocol to declare with; policies always go over HTTP.")]
ViaIfGiven = Annotated[
    Via | None,
    typer.Option(
        "--via",
        help="Protocol to declare with; policies always go over HTTP. If `amqp` is given, the management API may "
        "be absent; default: amqp.",
        show_default=False,
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the changes without making them.")]
TopologyFile = Annotated[
    str | None, typer.Argument(metavar="FILE", help="The same as --topology FILE.", show_default=False)
]
Live = Annotated[bool, typer.Option("--live", help="Use the topology of the broker instead of a document.")]
Prune = Annotated[
    bool, typer.Option("--prune", help="Also delete undeclared objects whose names the document manages.")
]
Workers = Annotated[
    list[str] | None,
    typer.Option(
        "--worker",
        "--id",
        metavar="ID",
        help="Id of a worker, or a range of ids: 7, 1-20. May repeat.",
        show_default=False,
    ),
]
