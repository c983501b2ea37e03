"""JSON text -> the members of its object and the items of their lists, each with its place in the text.

The module `json` alone forgets the places of values, and silently keeps one of two members of the same name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from json import JSONDecodeError, JSONDecoder
from typing import Any

_SPACE = re.compile(r"[ \t\r\n]*")


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


def read_members(text: str) -> list[Member]:
    """Read a JSON object; raise `JSONDecodeError` if the text is not JSON or not an object.

    A comma after the last item or member is allowed, as old releases of RabbitMQ allow it.
    """
    return list(_Reader(text).members())


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.duplicates: list[str] = []
        self.decoder = JSONDecoder(
            object_pairs_hook=self.make_object, parse_float=_read_float, parse_constant=_refuse
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
            if not self.sees("}"):
                self.expect(",")
        if self.at < len(self.text):
            raise JSONDecodeError("Extra data", self.text, self.at)

    def items(self) -> Iterator[Item]:
        self.expect("[")
        while not self.take("]"):
            yield self.item()
            if not self.sees("]"):
                self.expect(",")

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
