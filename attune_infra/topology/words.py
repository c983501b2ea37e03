"""Phrases that several modules need: a number of things, a choice, a value with its type, a likely name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

_KINDS: Final = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
_MAX_CHARACTERS_QUOTED: Final = 40
"""Characters of a string that a sentence quotes."""
_MAX_NAMES_COMPARED: Final = 500
"""Known names for a guess; with more of them it would take too long."""
_MAX_CHARACTERS_COMPARED: Final = 255
"""Characters of a name for a guess."""

_NUMBER: Final = re.compile(r"[0-9]+")
_HIDDEN_CATEGORIES: Final = {"Cc", "Cs", "Co", "Cn"}
_TURNING_OR_BREAKING: Final = {
    chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x2028, 0x2029)
}
"""Characters that turn the direction of the text after them, or break a line."""


def counted(count: int | None, noun: str) -> str:
    """Return a number of things, in words: `1 queue`, `2 queues`; None is an unknown number."""
    if count is None:
        return f"an unknown number of {noun}s"
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def either(choices: tuple[str, ...]) -> str:
    """Return a choice, in words: `a, b or c`."""
    *most, last = choices
    return f"{', '.join(most)} or {last}" if most else last


def shown(value: object) -> str:
    """Return a value and its type, in the terms of JSON and shortened to fit a line."""
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
            return f"'{value[:_MAX_CHARACTERS_QUOTED]}{'...' if len(value) > _MAX_CHARACTERS_QUOTED else ''}'"
        case _:
            return str(value)


def guess(name: str, known: Iterable[str], *, likeness: float = 0.6) -> str:
    """Return a question about a likely name, to end a sentence with; empty if no known name is alike."""
    from difflib import get_close_matches

    names = list(known)
    is_quick = len(names) <= _MAX_NAMES_COMPARED and len(name) <= _MAX_CHARACTERS_COMPARED
    close = get_close_matches(name, names, n=1, cutoff=likeness) if is_quick else []
    return f"; did you mean '{close[0]}'?" if close else ""


def without_numbers(text: str) -> str:
    """Return a text with `{n}` for each number in it: equal for names that differ only by numbers."""
    return _NUMBER.sub("{n}", text)


def is_hidden(character: str) -> bool:
    """Return whether a character is invisible: it controls a terminal, turns the text, or is unassigned."""
    return unicodedata.category(character) in _HIDDEN_CATEGORIES or character in _TURNING_OR_BREAKING


def plural(kind: str) -> str:
    """Return the word for several objects of a kind: `operator policies` for `operator_policy`."""
    word = kind.replace("_", " ")
    return f"{word.removesuffix('y')}ies" if word.endswith("policy") else f"{word}s"
