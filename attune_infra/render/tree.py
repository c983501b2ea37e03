"""Branches -> lines of a tree of any depth. A branch makes its children only after it is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attune_infra.dataclass import dataclass
from attune_infra.render.text import Line

_STYLES = {"!": "red", "?": "yellow"}
_MAX_INDENT = 3 * 60
"""Characters before a line. Deeper branches, as in a chain of thousands, are not indented further."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A line of a tree, with its sign (`!` wrong, `?` uncertain) and the branches below it."""

    text: str
    below: Iterable[Branch] = ()
    sign: str = " "


def render_tree(root: Branch) -> Iterator[Line]:
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
        deeper = indent + ("   " if is_last else "│  ") if len(indent) < _MAX_INDENT else indent
        waiting.append((deeper, _with_last(branch.below)))


def _line(branch: Branch, indent: str) -> Line:
    return Line(f"{branch.sign} {indent}{branch.text}", _STYLES.get(branch.sign, ""))


def _with_last(branches: Iterable[Branch]) -> Iterator[tuple[Branch, bool]]:
    """Yield each branch, and True with the last one."""
    waiting = iter(branches)
    branch = next(waiting, None)
    while branch is not None:
        following = next(waiting, None)
        yield branch, following is None
        branch = following
