"""Values for the variables of a document: `--set NAME=VALUE`, and files of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from attune_infra.errors import WrongUsage

if TYPE_CHECKING:
    from attune_infra.topology.document.variables import Given, Values

SET, VALUES = "--set", "--values"

SetOption = Annotated[
    list[str] | None,
    typer.Option(
        SET, metavar="NAME=VALUE", help="Value of a variable of the document. May repeat.", show_default=False
    ),
]
ValuesOption = Annotated[
    list[str] | None,
    typer.Option(
        VALUES,
        metavar="FILE",
        help="YAML file of values of variables. May repeat: the last one counts, and --set more than all.",
        show_default=False,
    ),
]


def read_values(pairs: Sequence[str], files: Sequence[str]) -> Values:
    """Return the values that files and options give.

    Raise `InvalidInput` for a file that holds none, and `WrongUsage` for an option.
    """
    given: dict[str, Given] = {}
    for file in files:
        given |= _in_file(file)
    return given | dict(_set(pairs)) if pairs else given


def check_pair(pair: str) -> None:
    """Raise `WrongUsage` for a text that is not NAME=VALUE."""
    if pair.find("=") < 1:
        raise WrongUsage(f"{SET} {pair} gives no value", hint=f"write {SET} NAME=VALUE")


def _set(pairs: Sequence[str]) -> Iterator[tuple[str, Given]]:
    from attune_infra.topology.document.variables import Given

    seen = set[str]()
    for pair in pairs:
        name, _, value = pair.partition("=")
        if name in seen:
            raise WrongUsage(f"{SET} gives variable {name} two values", hint="give it once")
        seen.add(name)
        yield name, Given(value, f"{SET} {name}", is_untyped=True)


def _in_file(file: str) -> Values:
    from attune_infra.cli._files import read_text
    from attune_infra.topology.document.variables import read_values

    return read_values(read_text(file).removeprefix("\ufeff"), source=file)
