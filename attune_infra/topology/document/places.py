"""Where in a document things stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from attune_infra.topology.model import Binding, Suppression, TopologyObject

_Key: TypeAlias = "tuple[type, Binding | Suppression | str]"


class Place(NamedTuple):
    """A line and a column, which count from 1."""

    line: int
    column: int


@dataclass(slots=True)
class Places:
    """The places of things and of their parts: an attribute, an argument, a key of a policy."""

    _known: dict[_Key, Mapping[str, Place]] = field(default_factory=dict)

    def add(self, thing: TopologyObject | Suppression, parts: Mapping[str, Place]) -> None:
        """Remember where the parts of a thing stand, and as that of no name the whole; the first time counts."""
        self._known.setdefault(_key(thing), parts)

    def of(self, thing: TopologyObject | Suppression, part: str = "") -> Place | None:
        """Return the place of a part, or of the whole thing if that is not known; None if neither is."""
        if not self._known:
            return None
        parts = self._known.get(_key(thing), {})
        return parts.get(part) or parts.get("")


def _key(thing: TopologyObject | Suppression) -> _Key:
    return (type(thing), thing if isinstance(thing, Binding | Suppression) else thing.name)
