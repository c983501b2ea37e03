"""A list of thousands of rows with a cursor. Only the visible rows are made into text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.cells import set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from attune_infra.render.text import Line
from attune_infra.render.words import visible


class Rows(ScrollView, can_focus=True):
    """Rows, each with a key that identifies it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "go(0)", "First", show=False),
        Binding("end", "go(-1)", "Last", show=False),
        Binding("enter", "choose", "Details"),
    ]

    class Chosen(Message):
        """A row was chosen, by its key."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, *, id: str) -> None:  # noqa: A002 - textual's name
        super().__init__(id=id)
        self._keys: Sequence[str] = ()
        self._draw: Callable[[int], Line] = lambda _: Line("")
        self.cursor = 0

    @property
    def key(self) -> str | None:
        """The key of the row with the cursor; None without rows."""
        return self._keys[self.cursor] if self._keys else None

    def show(self, keys: Sequence[str], draw: Callable[[int], Line], *, follow: bool = True) -> None:
        """Show other rows; `draw` makes the row of an index. The cursor follows its key, or keeps its place."""
        before = self.key if follow else None
        self._keys, self._draw = keys, draw
        found = keys.index(before) if before is not None and before in keys else self.cursor
        self.cursor = max(min(found, len(keys) - 1), 0)
        self.virtual_size = Size(0, len(keys))
        self._follow()

    def render_line(self, y: int) -> Strip:
        """Return a line of the screen."""
        index, width = y + self.scroll_offset.y, self.size.width
        if index >= len(self._keys):
            return Strip.blank(width, self.rich_style)
        line = self._draw(index)
        style = self.rich_style + Style.parse(line.style or "none")
        if index == self.cursor:
            style += Style(reverse=True)
        return Strip([Segment(set_cell_size(visible(line.text), width), style)])

    def action_move(self, rows: int) -> None:
        self.action_go(max(self.cursor + rows, 0))

    def action_page(self, pages: int) -> None:
        self.action_move(pages * max(self.size.height, 1))

    def action_go(self, index: int) -> None:
        last = max(len(self._keys) - 1, 0)
        self.cursor = last if index < 0 else min(index, last)
        self._follow()

    def action_choose(self) -> None:
        if self.key is not None:
            self.post_message(self.Chosen(self.key))

    def on_click(self, event: Click) -> None:
        self.action_go(min(event.y + self.scroll_offset.y, max(len(self._keys) - 1, 0)))

    def _follow(self) -> None:
        """Scroll to the cursor, once the scroll bar is laid out: it ignores what happened before."""
        self.refresh()
        self.call_after_refresh(self._scroll_to_cursor)

    def _scroll_to_cursor(self) -> None:
        self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False, force=True)
