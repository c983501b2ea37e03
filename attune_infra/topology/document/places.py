"""Places of objects, and of their parts, in a document."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import field
from struct import calcsize, pack, unpack
from typing import Final, NamedTuple, TypeAlias

from attune_infra.dataclass import dataclass
from attune_infra.topology.model import Binding, Parameter, Suppression, TopologyObject


class Claim(NamedTuple):
    """A `manages` pattern: a claim to names."""

    name: str


Thing: TypeAlias = TopologyObject | Suppression | Claim
"""A part of a document that has a place."""

STDIN: Final = "-"
"""The name of standard input."""
BUILT_IN: Final = "built-in "
"""The beginning of the name of a document that is no file."""

_Key: TypeAlias = "Binding | Suppression | str"
_Shape: TypeAlias = "tuple[tuple[str, str], ...]"
"""The name of each part of a thing, and the document that it is in."""
_NUMBER: Final = "I"
"""The format of a number of a place: 32 bits."""
_PER_PART: Final = 3
"""Numbers of a part: its line, its column, and its end or 0."""


class Place(NamedTuple):
    """A line and a column, both counted from 1.

    `end` is the column behind the last character, for a text that ends on its line. `source` is the document,
    empty for the only one.
    """

    line: int
    column: int
    end: int | None = None
    source: str = ""

    def seen_from(self, other: Place) -> str:
        """Return words for the place, for a sentence about another one."""
        return f"in line {self.line}" if self.source == other.source else f"in {self}"

    def precedes(self, other: Place) -> bool:
        """Return whether it is above another place of the same document."""
        return self.source == other.source and self[:2] < other[:2]

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}"


@dataclass(slots=True)
class Places:
    """The places of things, and of their parts: an attribute, an argument, a key of a policy."""

    _known: defaultdict[type, dict[_Key, bytes]] = field(default_factory=lambda: defaultdict(dict))
    """The numbers of the parts of each thing, behind that of its shape; a document may have a million parts."""
    _shapes: list[_Shape] = field(default_factory=list)
    _numbers: dict[_Shape, int] = field(default_factory=dict)
    """The number of each shape: its index in the list."""
    _within: dict[str, Places] = field(default_factory=dict)
    """The places in each virtual host of a document that has several."""

    def within(self, virtual_host: str) -> Places:
        """Return the places in a virtual host, which may still be none."""
        return self._within.setdefault(virtual_host, Places())

    def add(self, thing: Thing, parts: Mapping[str, Place]) -> None:
        """Remember the places of the parts of a thing, the whole of which has no name; the first call counts."""
        known, key = self._known[type(thing)], _key(thing)
        if key in known:
            return
        shape = tuple([(name, place.source) for name, place in parts.items()])
        number = self._numbers.setdefault(shape, len(self._shapes))
        if number == len(self._shapes):
            self._shapes.append(shape)
        numbers = [number]
        for place in parts.values():
            numbers += (place.line, place.column, place.end or 0)
        known[key] = pack(f"{len(numbers)}{_NUMBER}", *numbers)

    def of(self, thing: Thing, part: str = "") -> Place | None:
        """Return the place of a part; if it is unknown, that of the whole thing; None if both are unknown."""
        known = self._known.get(type(thing))
        found = known.get(_key(thing)) if known else None
        if found is None:
            return None
        parts = self._unpacked(found)
        return parts.get(part) or parts.get("")

    def _unpacked(self, packed: bytes) -> dict[str, Place]:
        shape, *numbers = unpack(f"{len(packed) // calcsize(_NUMBER)}{_NUMBER}", packed)
        found = zip(*(numbers[part::_PER_PART] for part in range(_PER_PART)), strict=True)
        return {
            name: Place(line, column, end or None, source)
            for (name, source), (line, column, end) in zip(self._shapes[shape], found, strict=True)
        }


def _key(thing: Thing) -> _Key:
    if isinstance(thing, Parameter):
        return f"{thing.component} {thing.name}"
    return thing if isinstance(thing, Binding | Suppression) else thing.name
