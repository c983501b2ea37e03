"""A worker's description of itself, as options of `register` and `enlist`."""

from __future__ import annotations

from typing import Annotated

import typer

from attune_infra.cli._worker_ids import MAX_IDS
from attune_infra.errors import WrongUsage
from attune_infra.fleet.register import WorkerType

Type = Annotated[
    WorkerType | None,
    typer.Option("--type", help="Kind of worker; default: the registered one, or local.", show_default=False),
]
Host = Annotated[str | None, typer.Option("--host", help="Host on which the worker can be reached.")]
Port = Annotated[int | None, typer.Option("--port", min=1, max=65535, help="Port on which it can be reached.")]
Count = Annotated[
    int | None,
    typer.Option("--count", min=1, max=MAX_IDS, help="Number of new workers; needs --name-pattern."),
]
NamePattern = Annotated[
    str | None,
    typer.Option(
        "--name-pattern",
        metavar="PATTERN",
        help="Names of many new workers; {n} is the number, from 1 to --count.",
        show_default=False,
    ),
]
NamesFile = Annotated[
    str | None,
    typer.Option(
        "--names-file",
        metavar="FILE",
        help="File with the names of many new workers, one on each line; - is standard input.",
        show_default=False,
    ),
]
Capabilities = Annotated[
    list[str] | None,
    typer.Option("--capability", metavar="KEY=VALUE", help="Capability; the value may be JSON. May repeat."),
]


def names_of_many(name: str | None, count: int | None, pattern: str | None, file: str | None) -> tuple[str, ...]:
    """Return the names of many new workers; none for a single worker."""
    from attune_infra.cli._files import read_text
    from attune_infra.worker.register import names_by_pattern, names_in

    if file is None:
        return names_by_pattern(count, pattern, name=name)
    if (name, count, pattern) != (None, None, None):
        raise WrongUsage("--names-file is given, and other names too", hint="give one way to name workers")
    return names_in(read_text(file), source=file)
