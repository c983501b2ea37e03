"""The tree of errors, as it is drawn and as it is."""

from __future__ import annotations

import re

from attune_infra import errors
from attune_infra.errors import AttuneError

_LINE = re.compile(r" {4}(?P<branches>[ │├└─]*)(?P<name>[A-Z]\w+)(?P<meaning>.*)")


def drawn_parents() -> dict[str, str | None]:
    """Return the parent of each class in the drawing, None for the root."""
    parents: dict[str, str | None] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if found := _LINE.fullmatch(line):
            del path[len(found["branches"]) // 4 :]
            parents[found["name"]] = path[-1] if path else None
            path.append(found["name"])
    return parents


def real_parents(base: type[AttuneError], parent: str | None = None) -> dict[str, str | None]:
    """Return the parent of each class of the module."""
    parents = {base.__name__: parent}
    for each in base.__subclasses__():
        if each.__module__ == errors.__name__:
            parents |= real_parents(each, base.__name__)
    return parents


def test_the_drawing_shows_every_error_at_its_place() -> None:
    assert drawn_parents() == real_parents(AttuneError)


def test_the_drawing_explains_every_error_that_is_raised_itself() -> None:
    lines = [found for line in (errors.__doc__ or "").splitlines() if (found := _LINE.fullmatch(line))]

    assert {found["name"] for found in lines if not found["meaning"].strip()} == {"AttuneError", "BrokerError"}
