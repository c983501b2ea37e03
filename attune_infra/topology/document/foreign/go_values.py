"""Values that a program in Go changes on their way from JSON to RabbitMQ.

The topology operator and Terraform's provider read arguments with Go's `encoding/json`, which makes each number a
64-bit float, and writes a float without a fraction as an integer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from attune_infra.topology.model import Argument

_FIRST_WITH_EXPONENT: Final = 1e21
"""From here on, Go writes a float with an exponent, so that it remains one."""


def changed_by_go(values: Mapping[str, Argument]) -> Iterator[tuple[str, str]]:
    """Yield the name of each value that would change, and words for the change."""
    for name, value in values.items():
        for what in _changes(value):
            yield name, what


def through_go(value: Argument) -> Argument:
    """Return the value that such a program makes of a value."""
    match value:
        case list():
            return [through_go(item) for item in value]
        case dict():
            return {name: through_go(item) for name, item in value.items()}
        case int() if not isinstance(value, bool):
            return int(float(value))
        case float() if value.is_integer() and abs(value) < _FIRST_WITH_EXPONENT:
            return int(value)
        case _:
            return value


def _changes(value: Argument) -> Iterator[str]:
    match value:
        case list():
            for item in value:
                yield from _changes(item)
        case dict():
            for item in value.values():
                yield from _changes(item)
        case bool():
            return
        case int() if int(float(value)) != value:
            yield f"the integer {value}, which becomes {int(float(value))}"
        case float() if value.is_integer() and abs(value) < _FIRST_WITH_EXPONENT:
            yield f"the number {value}, which becomes the integer {int(value)}"
