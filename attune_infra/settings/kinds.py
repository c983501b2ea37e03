"""The kinds of YAML values, for sentences."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from attune_infra.errors import InvalidInput

_KINDS: Final[Mapping[type, str]] = {
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "a mapping",
}


def kind_of_value(value: object) -> str:
    """Return the kind of a YAML value, for a sentence."""
    return _KINDS.get(type(value), f"a {type(value).__name__}")


def text_of(value: object, place: str, config: Path | None) -> str:
    """Return a string of the configuration file; raise `InvalidInput` if it is none."""
    if not isinstance(value, str):
        raise InvalidInput(
            f"{config}: `{place}` expects a string, got {kind_of_value(value)}",
            hint="put the value into quotes",
        )
    return value
