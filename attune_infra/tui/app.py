"""The live view: two lists, the keys that act on them, and a look at the servers every few seconds."""

from __future__ import annotations

import time
from dataclasses import replace
from threading import Thread
from typing import ClassVar, Final

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.timer import Timer
from textual.widgets import ContentSwitcher, Footer, Input, Static

from attune_infra.errors import AttuneError
from attune_infra.fleet.model import Fleet
from attune_infra.fleet.queues import Queues
from attune_infra.render.words import visible
from attune_infra.tui.details import DetailsScreen
from attune_infra.tui.rows import Rows
from attune_infra.tui.sources import Sources
from attune_infra.tui.views import SORTS, View, bar, draw_queues, draw_workers, queue_lines, worker_lines

QUEUES: Final = "queues"
WORKERS: Final = "workers"
_ACTIONS_ON_LISTS: Final = frozenset({"tab", "search", "clear_search", "sort", "reverse", "findings"})
_CSS: Final = """
#title { text-style: bold; background: $primary; color: $text; }
#title, #bar, #heading, #status { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
#heading { text-style: bold; }
#search { height: 1; border: none; padding: 0; display: none; }
ContentSwitcher { height: 1fr; }
Rows { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
"""


class WatchApp(App[None]):
    """Shows queues and workers until `q`. If a look fails, it says why, keeps the last one, and looks again.

    It waits `every` seconds between two looks, and at least as long as a look took, to spare a slow broker.
    """

    CSS = _CSS
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search"),
        Binding("s", "sort", "Sort"),
        Binding("v", "reverse", "Reverse"),
        Binding("f", "findings", "Filter"),
        Binding("1", "tab('queues')", "Queues"),
        Binding("2", "tab('workers')", "Workers"),
        Binding("r", "look", "Refresh", show=False),
        Binding("q", "quit", "Quit"),
        Binding("escape", "clear_search", "Clear"),
    ]

    class Looked(Message):
        """A look for one of the tabs has ended: with what it found, or with the reason why not."""

        def __init__(self, tab: str, found: Queues | Fleet | None, trouble: Exception | None, took: float) -> None:
            super().__init__()
            self.tab, self.found, self.trouble, self.took = tab, found, trouble, took

    def __init__(self, sources: Sources, *, every: float, tab: str = QUEUES, view: View | None = None) -> None:
        super().__init__()
        self.sources, self._every, self._tab = sources, every, tab
        self._view = view or View()
        self.queues, self.fleet = Queues(), Fleet(())
        self.trouble: str | None = None
        self.looks = 0
        """Looks that have ended."""
        self.is_looking = False
        self._next: Timer | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="title")
        yield Static(id="bar")
        yield Static(id="heading")
        with ContentSwitcher(initial=self._tab):
            yield Rows(id=QUEUES)
            yield Rows(id=WORKERS)
        hint = "text in the name; enter keeps it, escape clears it"
        yield Input(self._view.text, id="search", placeholder=hint)
        yield Static(id="status")
        yield Footer()

    def on_mount(self) -> None:
        self.action_tab(self._tab)

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - textual's
        """Return False for a key that acts on the lists, while something else is on the screen."""
        if action in _ACTIONS_ON_LISTS and len(self.screen_stack) > 1:
            return False
        return action != "clear_search" or bool(self._view.text) or self._search.display

    def action_tab(self, tab: str) -> None:
        self._tab = tab
        self.query_one(ContentSwitcher).current = tab
        self._rows.focus()
        self._draw()
        self.action_look()

    def action_search(self) -> None:
        self._search.display = True
        self.screen.set_focus(self._search)  # at once, unlike `focus`, so that no key that follows is lost
        self.refresh_bindings()

    def action_clear_search(self) -> None:
        self._search.value = ""
        self._leave_search()

    def action_sort(self) -> None:
        self._look_at(replace(self._view, sort=SORTS[(SORTS.index(self._view.sort) + 1) % len(SORTS)]))

    def action_reverse(self) -> None:
        self._look_at(replace(self._view, reverse=not self._view.reverse))

    def action_findings(self) -> None:
        self._look_at(self._view.with_next_filter())

    def action_look(self) -> None:
        """Look now, unless a look is on its way."""
        if self._next is not None:
            self._next.stop()
        if not self.is_looking:
            self.is_looking = True
            Thread(target=self._look, args=(self._tab,), daemon=True).start()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._look_at(replace(self._view, text=event.value))

    def on_input_submitted(self) -> None:
        self._leave_search()

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        if self._tab == QUEUES:
            self.push_screen(DetailsScreen(lambda: queue_lines(self.queues, event.key)))
        else:
            self.push_screen(DetailsScreen(lambda: worker_lines(self.fleet, event.key)))

    def on_watch_app_looked(self, event: Looked) -> None:
        """Show what was seen, and wait for the next look; raise a failure that nobody expected."""
        self.is_looking, self.looks = False, self.looks + 1
        if event.trouble is not None and not isinstance(event.trouble, AttuneError):
            raise event.trouble
        self.trouble = None if event.trouble is None else event.trouble.sentence
        match event.found:
            case Queues():
                self.queues = event.found
            case Fleet():
                self.fleet = event.found
        delay = max(self._every, event.took) if event.tab == self._tab else 0.01
        self._next = self.set_timer(delay, self.action_look)
        self._draw()
        if isinstance(self.screen, DetailsScreen):
            self.screen.show()

    def _look(self, tab: str) -> None:
        """Look at the servers, in a thread that does not delay the exit."""
        began, found, trouble = time.monotonic(), None, None
        look = self.sources.queues if tab == QUEUES else self.sources.workers
        try:
            found = look() if look else None
        except Exception as error:  # noqa: BLE001 - shown, or raised where the message arrives
            trouble = error
        self.post_message(self.Looked(tab, found, trouble, time.monotonic() - began))

    def _leave_search(self) -> None:
        """Return to the list; the search stays visible while it selects rows."""
        self._search.display = bool(self._search.value)
        self.screen_stack[0].set_focus(self._rows)
        self.refresh_bindings()

    @property
    def _search(self) -> Input:
        return self.screen_stack[0].query_one("#search", Input)

    @property
    def _rows(self) -> Rows:
        return self.screen_stack[0].query_one(f"#{self._tab}", Rows)

    def _look_at(self, view: View) -> None:
        """Show another part of the same rows, from the top."""
        self._view = view
        self._rows.action_go(0)
        self._draw(follow=False)

    def _draw(self, *, follow: bool = True) -> None:
        """Redraw the screen. The cursor follows its row, unless the row is gone. Only visible rows are drawn."""
        width = self.size.width - 1  # the scroll bar
        if self._tab == QUEUES:
            drawn = draw_queues(self.queues, self._view, width)
        else:
            drawn = draw_workers(self.fleet, self._view, width, has_registry=self.sources.workers is not None)
        screen = self.screen_stack[0]
        self._rows.show(drawn.keys, drawn.draw, follow=follow)
        texts = {"title": self.sources.title(), "bar": bar(self._tab, self._view), "heading": drawn.heading}
        for name, text in texts.items():
            screen.query_one(f"#{name}", Static).update(Text(visible(text)))
        screen.query_one("#status", Static).update(self._status(drawn.summary))

    def _status(self, summary: str) -> Text:
        if self.trouble is not None:
            return Text(f"! {visible(self.trouble)}", style="red")
        return Text(summary if self.looks else "looking …")
