"""Documents named on the command line: files, and folders of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from attune_infra.errors import WrongUsage
from attune_infra.files import documents_of

Files = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FILE...",
        help="YAML documents or RabbitMQ definitions, folders of them, or - for standard input.",
        show_default=False,
    ),
]
Together = Annotated[
    list[str] | None,
    typer.Option(
        "--topology",
        metavar="FILE",
        help="Document, or folder of documents, to check together with the others of this option. May repeat.",
        show_default=False,
    ),
]


def documents_in(names: Iterable[str], *, needed: bool = True) -> list[str]:
    """Return the names, each folder replaced by the YAML files in it, in order of name.

    Raise `InvalidInput` for a folder without a document, and `WrongUsage` if names are needed and there are none.
    """
    found = [document for name in names for document in documents_of(name)]
    if needed and not found:
        raise WrongUsage("no document is given", hint="give a FILE, a folder, or - for standard input")
    return list(dict.fromkeys(found))


def some_of(given: str | None, same: list[str] | None) -> list[str]:
    """Return the values that an argument and an option both can give; raise `WrongUsage` if both do."""
    if given is not None and same is not None:
        raise WrongUsage("the topology is given twice", hint="give it as an argument or with --topology")
    return [given] if given is not None else same or []
