"""The values of arguments, and which of them RabbitMQ takes for equal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

Argument: TypeAlias = "bool | int | float | str | list[Argument] | dict[str, Argument] | None"
"""A value of an AMQP field table that JSON can represent."""

Arguments: TypeAlias = Mapping[str, Argument]


class _Absent:
    """The value of an absent argument; not None, which a field table can hold."""

    def __repr__(self) -> str:
        return "none"


class _Hidden:
    """The value of a secret attribute, which nobody is told."""

    def __repr__(self) -> str:
        return "hidden"


ABSENT: Final = _Absent()
HIDDEN: Final = _Hidden()
Value: TypeAlias = "Argument | _Absent | _Hidden"

MISSING_KEY: Final = "undefined"
"""The routing key that RabbitMQ lists for a binding that has none."""

VOID_AS_LISTED: Final = "undefined"
"""The text that RabbitMQ lists for AMQP's void."""

PRESENT: Final[Mapping[str, Argument]] = {"present": True}
"""The form in which a document says that a headers binding matches any value of a header."""

Version: TypeAlias = tuple[int, int]
"""Major and minor version of RabbitMQ; patch releases behave alike in everything this tool asks."""


def freeze(value: object) -> object:
    """Return a hashable stand-in for an argument; two are equal only if type and value are."""
    match value:
        case str() | bool() | int():  # the most frequent types
            return (type(value).__name__, value)
        case dict():
            return ("table", *sorted([(key, freeze(item)) for key, item in value.items()]))
        case list() | tuple():
            return ("array", *map(freeze, value))
        case _:
            return (type(value).__name__, value)
