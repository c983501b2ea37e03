"""A worker's description of itself, as options of `register` and `enlist`."""

from __future__ import annotations

from typing import Annotated

import typer

from attune_infra.fleet.register import WorkerType

Type = Annotated[
    WorkerType | None,
    typer.Option("--type", help="Kind of worker; default: the registered one, or local.", show_default=False),
]
Host = Annotated[str | None, typer.Option("--host", help="Host on which the worker can be reached.")]
Port = Annotated[int | None, typer.Option("--port", min=1, max=65535, help="Port on which it can be reached.")]
Capabilities = Annotated[
    list[str] | None,
    typer.Option("--capability", metavar="KEY=VALUE", help="Capability; the value may be JSON. May repeat."),
]
