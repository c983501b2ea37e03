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


def _is_document(file: Path) -> bool:
    return file.suffix in _SUFFIXES and not file.name.startswith(".") and file.is_file()


def documents_of(name: str) -> Iterator[str]:
    """Yield the names of the documents in a folder, in order, and any other name as it is.

    Hidden files are left out, as a shell does.
    """
    if not os.path.isdir(name):  # noqa: PTH112 # a Path would turn - and ./x into other names
        yield name
        return
    found = sorted(file for file in Path(name).iterdir() if _is_document(file))
    if not found:
        raise InvalidInput(
            f"{name} is a folder without a document",
            hint="of a folder, the *.yaml and *.yml files are read; name any other file",
        )
    yield from map(str, found)
