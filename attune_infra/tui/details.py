"""A screen with the details of one row. It follows every look at the servers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Footer, Static

from attune_infra.render.text import Line, escape_lines


class DetailsScreen(Screen[None]):
    """Details of one row. `draw` returns their lines; `q` or escape returns to the list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "app.pop_screen", "Back"),
    ]

    def __init__(self, draw: Callable[[], Iterable[Line]]) -> None:
        super().__init__()
        self._draw = draw

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Static(id="details")
        yield Footer()

    def on_mount(self) -> None:
        self.show()

    def show(self) -> None:
        """Show the row as it was seen last."""
        texts = (Text(line.text, style=line.style) for line in escape_lines(self._draw()))
        self.query_one("#details", Static).update(Text("\n").join(texts))
