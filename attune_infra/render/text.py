"""Lines of text, and tables of them.

The sign at the beginning of a line carries its meaning, and its style only repeats it: `+` created, `~` changed,
`!` wrong, a blank if nothing is to be done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import IntEnum
from typing import Final, Generic, NamedTuple, TypeVar

from attune_infra.dataclass import dataclass
from attune_infra.masking import masked_result
from attune_infra.render.words import visible

_T = TypeVar("_T")

VERDICT_SIGNS: Final[Mapping[str, str]] = {"passed": " ", "warning": "~", "failed": "!"}
VERDICT_STYLES: Final[Mapping[str, str]] = {"passed": "", "warning": "yellow", "failed": "red"}
"""The sign and the colour of a line in a table, by the verdict on its object."""

UNKNOWN: Final = "-"
_SIZES: Final = ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB"))
_UNITS: Final = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
_LARGEST_IN_FULL: Final = 99_999
_SMALLEST_IN_FULL: Final = 9.95
_AGES: Final = ((86_400, "d"), (3600, "h"), (60, "m"))


class Level(IntEnum):
    """The attention that a line deserves; the lowest is printed even if only problems are wanted."""

    PROBLEM = 0
    NORMAL = 1
    DETAIL = 2


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output; the style is the name of a colour, or empty."""

    text: str
    style: str = ""
    level: Level = Level.NORMAL


def at_level(level: Level, lines: Iterable[Line]) -> Iterator[Line]:
    """Yield the lines with another level: those below a headline have that of the headline."""
    return (replace(line, level=level) for line in lines)


def escape_lines(lines: Iterable[Line]) -> Iterator[Line]:
    """Yield lines in which no character acts on a terminal, and no word is secret."""
    return (Line(visible(masked_result(line.text)), line.style, line.level) for line in lines)


def align(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield one line for each row, its cells padded to columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


class Cell(NamedTuple, Generic[_T]):
    """A column of a table of fixed width: its heading, width and side, and its text for an item."""

    heading: str
    width: int
    is_right: bool
    text: Callable[[_T], str]

    def pad(self, text: str) -> str:
        return text.rjust(self.width) if self.is_right else text.ljust(self.width)


def heading_line(cells: Iterable[Cell[_T]]) -> str:
    """Return the headings, behind the room for the sign of a row."""
    return "  " + " ".join(cell.pad(cell.heading) for cell in cells).rstrip()


def row_line(item: _T, verdict: str, cells: Iterable[Cell[_T]]) -> Line:
    """Return the line of an item, with the sign of the verdict on it first."""
    texts = " ".join(cell.pad(shorten(visible(cell.text(item)), cell.width)) for cell in cells)
    return Line(f"{VERDICT_SIGNS[verdict]} {texts}".rstrip(), VERDICT_STYLES[verdict], level_of(verdict))


def rest_of(width: int, cells: Iterable[Cell[_T]]) -> int:
    """Return the characters left for a column of width 0, beside the others, the gaps and the sign."""
    return width - 1 - sum(cell.width + 1 for cell in cells)


def level_of(verdict: str) -> Level:
    """Return the level of the line of an item with this verdict."""
    return Level.NORMAL if verdict == "passed" else Level.PROBLEM


def first_of(findings: Sequence[str]) -> str:
    """Return the first finding, which is the worst, and the number of the others: `orphan +1`."""
    if not findings:
        return "ok"
    more = len(findings) - 1
    return f"{findings[0]} +{more}" if more else str(findings[0])


def shorten(text: str, width: int) -> str:
    """Return a text without its middle if it is too long; names differ at both ends."""
    if len(text) <= width:
        return text
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :]}"


def number(value: float | None) -> str:
    """Return a number in at most 5 characters: `12`, `0.5`, `120k`."""
    if value is None:
        return UNKNOWN
    if 0 < value < _SMALLEST_IN_FULL and value != int(value):
        return f"{value:.1f}"
    if value <= _LARGEST_IN_FULL:
        return f"{value:.0f}"
    size, unit = next((size, unit) for size, unit in _UNITS if value >= size)
    return f"{value / size:.0f}{unit}"


def size(count: int) -> str:
    """Return a number of bytes in the largest unit that it reaches."""
    for length, unit in _SIZES:
        if count >= length:
            return f"{count / length:.1f} {unit}"
    return f"{count} B"


def idle_time(seconds: float | None) -> str:
    """Return a time in its largest unit, in at most 4 characters if it is below 3 years: `5m`, `12d`."""
    if seconds is None:
        return UNKNOWN
    for length, unit in _AGES:
        if seconds >= length:
            return f"{seconds // length:.0f}{unit}"
    return f"{seconds:.0f}s"
