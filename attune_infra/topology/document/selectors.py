"""Selectors name objects as KIND:NAME, with `*`, `?` and `[...]` in the name as in a shell; KIND may be left out.

A binding has the name of its destination. A `*` matches dots and slashes too.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

from attune_infra.topology.model import Binding, TopologyObject, kind_of

KINDS: Final = ("exchange", "queue", "binding", "policy")


def selector_problem(selector: str) -> str | None:
    """Return the reason why a text is no selector, None if it is one."""
    kind, colon, name = selector.partition(":")
    if not selector.strip():
        return "is empty"
    if colon and kind in KINDS and not name:
        return f"has no name behind '{kind}:'"
    return None


def selects(selector: str, item: TopologyObject) -> bool:
    """Return True if a selector names an object."""
    kind, colon, pattern = selector.partition(":")
    if not colon or kind not in {*KINDS, "*"}:
        kind, pattern = "*", selector
    name = item.destination if isinstance(item, Binding) else item.name
    return kind in {"*", kind_of(item)} and (name == pattern or fnmatchcase(name, pattern))


def first_selecting(selectors: Iterable[str], item: TopologyObject) -> str | None:
    """Return the first selector that names an object, None if none does."""
    return next((selector for selector in selectors if selects(selector, item)), None)
