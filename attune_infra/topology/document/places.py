"""Places of objects, and of their parts, in a document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from attune_infra.topology.model import Binding, Suppression, TopologyObject


class Claim(NamedTuple):
    """A `manages` pattern: a claim to names."""

    name: str


Thing: TypeAlias = TopologyObject | Suppression | Claim
"""A part of a document that has a place."""

_Key: TypeAlias = "tuple[type, Binding | Suppression | str]"


class Place(NamedTuple):
    """A line and a column, both counted from 1.

    `end` is the column behind the last character, for a text that ends on its line.
    """

    line: int
    column: int
    end: int | None = None


@dataclass(slots=True)
class Places:
    """The places of things, and of their parts: an attribute, an argument, a key of a policy."""

    _known: dict[_Key, Mapping[str, Place]] = field(default_factory=dict)

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
    return (type(thing), thing if isinstance(thing, Binding | Suppression) else thing.name)
