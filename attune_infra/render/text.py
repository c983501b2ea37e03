"""Lines of text, and tables of them.

The sign at the beginning of a line carries its meaning, and its style only repeats it: `+` created, `~` changed,
`!` wrong, a blank if nothing is to be done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from attune_infra.render.words import visible


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output; the style is the name of a colour, or empty."""

    text: str
    style: str = ""


def escape_lines(lines: Iterable[Line]) -> Iterator[Line]:
    """Yield lines in which no character acts on a terminal."""
    return (Line(visible(line.text), line.style) for line in lines)


def align(rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset()) -> Iterator[str]:
    """Yield one line for each row, its cells padded to columns; the columns in `right` are right-aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
