"""JSON text -> the members of its object and the items of their lists, each with its place in the text.

The module `json` alone forgets the places of values, and silently keeps one of two members of the same name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from json import JSONDecodeError, JSONDecoder
from typing import Any, Final, NamedTuple

from attune_infra.dataclass import dataclass

_SPACE = re.compile(r"[ \t\r\n]*")
_STRING: Final = r'"[^"\\]*(?:\\.[^"\\]*)*"'
_COMMENT: Final = re.compile(_STRING + r"|//[^\n]*|/\*.*?\*/", re.DOTALL)
_LAST_COMMA: Final = re.compile(_STRING + r"|,(?=\s*[}\]])", re.DOTALL)
_CONTROL: Final = re.compile(r"[\x00-\x1f]")
_VISIBLE: Final = re.compile(r"\S")


@dataclass(frozen=True, slots=True)
class Item:
    """A value, the offset of its text, and the duplicate names in its objects."""

    value: Any
    at: int
    duplicates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the outermost object, its offset, and the items of its list; None if it is not a list."""

    name: str
    at: int
    value: Any
    items: tuple[Item, ...] | None


class Slip(NamedTuple):
    """A part of a text that is no JSON but that RabbitMQ 3.10 reads, and its offset."""

    at: int
    what: str


def read_members(text: str) -> list[Member]:
    """Read a JSON object; raise `JSONDecodeError` if the text is not JSON or not an object."""
    return list(_Reader(text).members())


def read_with_slips(text: str) -> tuple[list[Member], list[Slip]]:
    """Read a JSON object as RabbitMQ 3.10 does, and return the parts of it that are no JSON.

    It reads over a comma after the last item or member, over comments, and over unescaped control characters.
    """
    try:
        return read_members(text), []
    except JSONDecodeError:
        repaired, slips = _repair(text)
        if not slips:
            raise
        try:
            return list(_Reader(repaired, strict=False).members()), slips
        except JSONDecodeError:
            pass
        raise


def _repair(text: str) -> tuple[str, list[Slip]]:
    """Return JSON with spaces for what is none, so that every offset remains."""
    slips: list[Slip] = []

    def without_comment(found: re.Match[str]) -> str:
        if found[0].startswith('"'):
            if control := _CONTROL.search(found[0]):
                slips.append(Slip(found.start() + control.start(), "a control character in a string"))
            return found[0]
        slips.append(Slip(found.start(), "a comment"))
        return _VISIBLE.sub(" ", found[0])

    def without_comma(found: re.Match[str]) -> str:
        if found[0] != "," or _before(text, found.start()) in "[{,:":
            return found[0]
        slips.append(Slip(found.start(), "a comma after the last item"))
        return " "

    text = _COMMENT.sub(without_comment, text)
    return _LAST_COMMA.sub(without_comma, text), slips


def _before(text: str, at: int) -> str:
    """Return the last visible character before an offset."""
    while at and text[at - 1].isspace():
        at -= 1
    return text[at - 1 : at]


class _Reader:
    def __init__(self, text: str, *, strict: bool = True) -> None:
        self.text = text
        self.duplicates: list[str] = []
        self.decoder = JSONDecoder(
            object_pairs_hook=self.make_object, parse_float=_read_float, parse_constant=_refuse, strict=strict
        )
        self.at = 0
        self.skip()

    def members(self) -> Iterator[Member]:
        self.expect("{")
        while not self.take("}"):
            at, name = self.at, self.item().value
            if not isinstance(name, str):
                raise JSONDecodeError("Expecting property name enclosed in double quotes", self.text, at)
            self.expect(":")
            items = tuple(self.items()) if self.sees("[") else None
            value = [item.value for item in items] if items is not None else self.item().value
            yield Member(name, at, value, items)
            self.expect_another("}")
        if self.at < len(self.text):
            raise JSONDecodeError("Extra data", self.text, self.at)

    def items(self) -> Iterator[Item]:
        self.expect("[")
        while not self.take("]"):
            yield self.item()
            self.expect_another("]")

    def expect_another(self, end: str) -> None:
        """Take the comma before another item or member, unless the end comes."""
        if not self.sees(end):
            self.expect(",")
            if self.sees(end):
                raise JSONDecodeError("Expecting value", self.text, self.at)

    def item(self) -> Item:
        at = self.at
        self.duplicates.clear()
        try:
            value, self.at = self.decoder.raw_decode(self.text, at)
        except JSONDecodeError:
            raise
        except ValueError as error:
            raise JSONDecodeError(str(error), self.text, at) from error
        self.skip()
        return Item(value, at, tuple(self.duplicates))

    def sees(self, character: str) -> bool:
        return self.text.startswith(character, self.at)

    def take(self, character: str) -> bool:
        if not self.sees(character):
            return False
        self.at += 1
        self.skip()
        return True

    def expect(self, character: str) -> None:
        if not self.take(character):
            raise JSONDecodeError(f"Expecting '{character}'", self.text, self.at)

    def skip(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def make_object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            made = dict(reversed(pairs))  # the first value of each
            names = [name for name, _ in pairs]
            self.duplicates += sorted({name for name in names if names.count(name) > 1})
        return made


def _read_float(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"the number {number} is too large")
    return value


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not a JSON value")
