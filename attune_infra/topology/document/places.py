"""Places of objects, and of their parts, in a document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
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

_Key: TypeAlias = "tuple[type, Binding | Suppression | str]"


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

    _known: dict[_Key, Mapping[str, Place]] = field(default_factory=dict)
    _within: dict[str, Places] = field(default_factory=dict)
    """The places in each virtual host of a document that has several."""

    def within(self, virtual_host: str) -> Places:
        """Return the places in a virtual host, which may still be none."""
        return self._within.setdefault(virtual_host, Places())

    def add(self, thing: Thing, parts: Mapping[str, Place]) -> None:
        """Remember the places of the parts of a thing, the whole of which has no name; the first call counts."""
        self._known.setdefault(_key(thing), parts)

    def of(self, thing: Thing, part: str = "") -> Place | None:
        """Return the place of a part; if it is unknown, that of the whole thing; None if both are unknown."""
        if not self._known:
            return None
        parts = self._known.get(_key(thing), {})
        return parts.get(part) or parts.get("")


def _key(thing: Thing) -> _Key:
    if isinstance(thing, Parameter):
        return (type(thing), f"{thing.component} {thing.name}")
    return (type(thing), thing if isinstance(thing, Binding | Suppression) else thing.name)
