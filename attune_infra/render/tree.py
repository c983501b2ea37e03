"""Branches -> lines of a tree, however deep: no branch is asked for what is below before it is drawn itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from attune_infra.render.text import Line

_STYLES = {"!": "red", "?": "yellow"}
_WIDEST = 3 * 60
"""Characters before a line; what is deeper, as in a chain of thousands, is not moved to the right any more."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A line of a tree, its sign (`!` wrong, `?` uncertain) and what is below it."""

    text: str
    below: Iterable[Branch] = ()
    sign: str = " "


def drawn(root: Branch) -> Iterator[Line]:
    """Yield the lines of a tree, each sign at the beginning of its line."""
    yield _line(root, "")
    waiting = [("", _with_last(root.below))]
    while waiting:
        indent, branches = waiting[-1]
        try:
            branch, is_last = next(branches)
        except StopIteration:
            waiting.pop()
            continue
        yield _line(branch, indent + ("└─ " if is_last else "├─ "))
        deeper = indent + ("   " if is_last else "│  ") if len(indent) < _WIDEST else indent
        waiting.append((deeper, _with_last(branch.below)))


def _line(branch: Branch, indent: str) -> Line:
    return Line(f"{branch.sign} {indent}{branch.text}", _STYLES.get(branch.sign, ""))


def _with_last(branches: Iterable[Branch]) -> Iterator[tuple[Branch, bool]]:
    """Yield branches, and of each whether it is the last."""
    waiting = iter(branches)
    branch = next(waiting, None)
    while branch is not None:
        following = next(waiting, None)
        yield branch, following is None
        branch = following
