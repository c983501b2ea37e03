"""Documents named on the command line: files, and folders of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Final

import typer

from attune_infra.errors import InvalidInput, WrongUsage

_SUFFIXES: Final = (".yaml", ".yml")
"""Files of a folder that are documents."""

Files = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FILE...",
        help="YAML documents or RabbitMQ definitions, folders of them, or - for standard input.",
        show_default=False,
    ),
]
SameFiles = Annotated[
    list[str] | None,
    typer.Option("--topology", metavar="FILE", help="The same as FILE. May repeat.", show_default=False),
]


def documents_in(names: Iterable[str]) -> list[str]:
    """Return the names, each folder replaced by the YAML files in it, in order of name.

    Raise `InvalidInput` for a folder without a document, and `WrongUsage` if there are no names.
    """
    found = [document for name in names for document in _documents(name)]
    if not found:
        raise WrongUsage("no document is given", hint="give a FILE, a folder, or - for standard input")
    return list(dict.fromkeys(found))


def one_of(given: str | None, same: str | None) -> str | None:
    """Return a value that an argument and an option both can give; raise `WrongUsage` if both do."""
    if given is not None and same is not None:
        raise WrongUsage("the topology is given twice", hint="give it as an argument or with --topology")
    return same if given is None else given


def _documents(name: str) -> Iterator[str]:
    if not os.path.isdir(name):  # noqa: PTH112 # a Path would turn - and ./x into other names
        yield name
        return
    found = sorted(file for file in Path(name).iterdir() if file.suffix in _SUFFIXES and file.is_file())
    if not found:
        raise InvalidInput(
            f"{name} is a folder without a document",
            hint="of a folder, the *.yaml and *.yml files are read; name any other file",
        )
    yield from map(str, found)
