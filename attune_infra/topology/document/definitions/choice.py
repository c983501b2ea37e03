"""The virtual host to read of a text that may hold several."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attune_infra.errors import InvalidInput

ELSEWHERE: Final = "each has a topology of its own; choose one with --vhost NAME"
"""The reason to leave out the virtual hosts that were not chosen."""


def choose_virtual_host(
    holding: set[str],
    listed: set[str],
    source: str,
    *,
    asked: str | None,
    own: Callable[[], str] = lambda: "/",
) -> str:
    """Return the virtual host that was `asked` for; else the only one with objects, or `own`; empty for none.

    The text `source` holds objects in the virtual hosts `holding`, and may list others. Raise `InvalidInput` if
    several are possible, or if the one asked for is not in the text.
    """
    known = holding | listed
    if asked is not None:
        if known and asked not in known:
            raise InvalidInput(f"{source} holds no virtual host '{asked}'", hint=f"it holds {_names(known)}")
        return asked
    candidates = holding or known
    if len(candidates) <= 1:
        return next(iter(candidates), "")
    if (name := own()) not in known:
        raise InvalidInput(
            f"{source} holds several virtual hosts: {_names(candidates)}",
            hint="choose one with --vhost NAME; `attune-infra import --all` makes a document of all",
        )
    return name


def _names(names: set[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names))
