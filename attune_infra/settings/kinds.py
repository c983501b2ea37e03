"""The kinds of YAML values, for sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


BETWEEN: Final = "\0"
"""Separator of several values of a setting in one text; no value can hold it."""


def joined(values: str | Sequence[str] | None) -> str | None:
    """Return the values of a setting that may have several as one text; None if there are none."""
    return values if isinstance(values, str) else BETWEEN.join(values or ()) or None


def texts_of(value: object, place: str, config: Path | None) -> str:
    """Return a string of the configuration file, or several of a list; raise `InvalidInput` for anything else."""
    if not isinstance(value, list):
        return text_of(value, place, config)
    if not value:
        raise InvalidInput(f"{config}: `{place}` is an empty list", hint="name something in it, or leave it out")
    return BETWEEN.join(text_of(each, f"{place}[{number}]", config) for number, each in enumerate(value))


def text_of(value: object, place: str, config: Path | None) -> str:
    """Return a string of the configuration file; raise `InvalidInput` if it is none."""
    if not isinstance(value, str):
        raise InvalidInput(
            f"{config}: `{place}` expects a string, got {kind_of_value(value)}",
            hint="put the value into quotes",
        )
    return value
