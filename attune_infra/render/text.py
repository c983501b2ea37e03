"""Values -> lines of text.

A sign at the beginning carries the meaning, and a style only repeats it: `+` made, `~` changed, `!` wrong,
a blank where all is well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attune_infra.render.line import Line
from attune_infra.render.pages import page_of
from attune_infra.render.words import visible

if TYPE_CHECKING:
    from attune_infra.render.showable import Showable


def lines_of(shown: Showable) -> list[Line]:
    """Return what a person reads of a value; nothing in it can act on a terminal."""
    return [Line(visible(line.text), line.style) for line in page_of(shown).lines(shown)]
