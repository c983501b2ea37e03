"""Phrases that several modules need: how many, one of, a value with its type, a likely name."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Final

_KINDS: Final = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
_SHOWN: Final = 40
"""Characters of a string that a sentence about it quotes."""
_FEW = 500
"""Names among which a likely one is looked for; among more it would take too long."""
_LONGEST_GUESSED: Final = 255
"""Characters of a name for which a likely one is looked for."""

_HIDDEN = {"Cc", "Cs", "Co", "Cn"}
_DIRECTION = {chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x2028, 0x2029)}
"""Characters that turn the direction of what follows, or break a line."""


def counted(count: int | None, noun: str) -> str:
    """Return how many there are of something: `1 queue`, `2 queues`; None is a number that nobody knows."""
    if count is None:
        return f"an unknown number of {noun}s"
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def either(choices: tuple[str, ...]) -> str:
    *most, last = choices
    return f"{', '.join(most)} or {last}" if most else last


def shown(value: object) -> str:
    """Return a value and its type, in the terms of JSON and no longer than a line."""
    match value:
        case None | list() | dict():
            return describe(value)
        case _:
            return f"{_literal(value)} ({_type_name(value)})"


def describe(value: object) -> str:
    """Return a type and its value, in the terms of JSON and no longer than a line: `the integer 5`."""
    match value:
        case None:
            return "null"
        case list() | dict():
            return f"an {_type_name(value)}"
        case _:
            return f"the {_type_name(value)} {_literal(value)}"


def mismatch(expected: str, value: object) -> str:
    """Return the sentence that a value is not the expected one."""
    return f"expected {expected}, got {describe(value)}"


def _type_name(value: object) -> str:
    return _KINDS.get(type(value), type(value).__name__)


def _literal(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f"'{value[:_SHOWN]}{'...' if len(value) > _SHOWN else ''}'"
        case _:
            return str(value)


def guess(name: str, known: Iterable[str], *, likeness: float = 0.6) -> str:
    """Return a question that ends a sentence about an unknown name, or nothing if no known one is like it."""
    from difflib import get_close_matches

    names = list(known)
    is_quick = len(names) <= _FEW and len(name) <= _LONGEST_GUESSED
    close = get_close_matches(name, names, n=1, cutoff=likeness) if is_quick else []
    return f"; did you mean '{close[0]}'?" if close else ""


def is_hidden(character: str) -> bool:
    """Return whether a character acts on what shows it, turns the direction of writing, or means nothing yet."""
    return unicodedata.category(character) in _HIDDEN or character in _DIRECTION
