"""The limits of a field table of AMQP 0-9-1, in which arguments and headers travel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from attune_infra.topology.facts.names import routing_key_problem
from attune_infra.topology.model import Argument, Arguments

MAX_TABLE_BYTES: Final = 130_000
"""Bytes of a table. A declaration must fit into one frame, and RabbitMQ takes frames of 131072 bytes."""

_BYTES_OF_A_VALUE: Final = 9
"""Bytes of a value without text: its type and at most 64 bits."""
_MAX_CHARACTERS_QUOTED: Final = 40


class TableProblem(NamedTuple):
    """A reason why AMQP cannot carry a table; `argument` is None if the whole is too large."""

    argument: str | None
    sentence: str
    in_key: bool = False


def table_problems(arguments: Arguments, what: str = "argument") -> Iterator[TableProblem]:
    """Yield a problem for each name that is too long, also inside values, and for a table that is too large."""
    for name, value in arguments.items():
        if problem := routing_key_problem(name):
            yield TableProblem(name, f"the {what} name '{_quote(name)}' {problem}", in_key=True)
        for inner in _names_inside(value):
            if problem := routing_key_problem(inner):
                yield TableProblem(name, f"'{_quote(name)}' holds the name '{_quote(inner)}', which {problem}")
    if (size := _size(dict(arguments))) > MAX_TABLE_BYTES:
        limit = f"at most {MAX_TABLE_BYTES} fit into a frame of AMQP"
        yield TableProblem(None, f"the {what}s take {size} bytes; {limit}")


def _names_inside(value: Argument) -> Iterator[str]:
    match value:
        case dict():
            for name, item in value.items():
                yield name
                yield from _names_inside(item)
        case list():
            for item in value:
                yield from _names_inside(item)


def _size(value: Argument) -> int:
    match value:
        case str():
            return _BYTES_OF_A_VALUE + len(value.encode("utf-8", "surrogatepass"))
        case dict():
            return _BYTES_OF_A_VALUE + sum(_size(name) + _size(item) for name, item in value.items())
        case list():
            return _BYTES_OF_A_VALUE + sum(map(_size, value))
        case _:
            return _BYTES_OF_A_VALUE


def _quote(name: str) -> str:
    is_long = len(name) > _MAX_CHARACTERS_QUOTED
    return f"{name[:_MAX_CHARACTERS_QUOTED]}..." if is_long else name
