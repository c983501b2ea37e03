"""Values -> lines of text.

A sign at the beginning carries the meaning, and a style only repeats it: `+` made, `~` changed, `!` wrong,
a blank where all is well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from attune_infra.render.page import page_of
from attune_infra.render.words import visible

if TYPE_CHECKING:
    from attune_infra.render.showable import Showable


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output; the style is the name of a colour, or empty."""

    text: str
    style: str = ""


def aligned(rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset()) -> Iterator[str]:
    """Yield a line for each row with its columns under each other, those of `right` to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()


def lines_of(shown: Showable) -> list[Line]:
    """Return what a person reads of a value; nothing in it can act on a terminal."""
    return [Line(visible(line.text), line.style) for line in page_of(shown).lines(shown)]
