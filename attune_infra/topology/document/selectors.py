"""Selectors name objects as KIND:NAME, with `*`, `?` and `[...]` in the name as in a shell; KIND may be left out.

A binding has the name of its destination, permissions that of their user. A `*` matches dots and slashes too.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

from attune_infra.topology.model import Binding, Permission, TopicPermission, TopologyObject, kind_of

KINDS: Final = (
    "virtual_host",
    "exchange",
    "queue",
    "binding",
    "policy",
    "operator_policy",
    "user",
    "limit",
    "permission",
    "topic_permission",
    "federation_upstream",
    "federation_upstream_set",
    "shovel",
    "parameter",
    "global_parameter",
)


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
    name = _name_of(item)
    return name == selector or (kind in {"*", kind_of(item)} and (name == pattern or fnmatchcase(name, pattern)))


def _name_of(item: TopologyObject) -> str:
    match item:
        case Binding():
            return item.destination
        case Permission() | TopicPermission():
            return item.user
        case _:
            return item.name


def first_selecting(selectors: Iterable[str], item: TopologyObject) -> str | None:
    """Return the first selector that names an object, None if none does."""
    return next((selector for selector in selectors if selects(selector, item)), None)
