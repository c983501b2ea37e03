"""The lists of the live view as lines, for a width and a view. Knows nothing of Textual."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.errors import InvalidInput
from attune_infra.fleet.model import Fleet, FleetWorker
from attune_infra.fleet.queue_details import details_of
from attune_infra.fleet.queues import Column, Finding, Queues, Selection
from attune_infra.render.pages import fleet as fleet_page
from attune_infra.render.pages import queue_details as details_page
from attune_infra.render.pages import queues as queues_page
from attune_infra.render.text import VERDICT_SIGNS, VERDICT_STYLES, Line, heading_line, row_line
from attune_infra.topology.model import label
from attune_infra.topology.verify import Verdict
from attune_infra.topology.words import counted

SORTS: Final = tuple(Column)
_ALL: Final = "all"
_WITH_FINDINGS: Final = "with findings"
FILTERS: Final = (_ALL, _WITH_FINDINGS, *Finding)
"""Filters of queues, in the order in which a key chooses them. Workers know the first two."""
NO_REGISTRY: Final = "no registry of workers is configured: give --database-url to see them"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The choices of the person at the terminal."""

    text: str = ""
    filter: str = _ALL
    sort: Column = Column.VERDICT
    reverse: bool = False

    def with_next_filter(self) -> View:
        return replace(self, filter=FILTERS[(FILTERS.index(self.filter) + 1) % len(FILTERS)])

    @classmethod
    def of_workers(cls, text: str, *, only_wrong: bool) -> View:
        return cls(text=text, filter=_WITH_FINDINGS if only_wrong else _ALL)

    @property
    def selection(self) -> Selection:
        """The selection of queues that it stands for."""
        match self.filter:
            case Finding() as finding:
                findings = frozenset({finding})
            case "with findings":
                findings = frozenset(each for each in Finding if each.verdict is not Verdict.PASSED)
            case _:
                findings = frozenset()
        return Selection(text=self.text, findings=findings, sort=self.sort, reverse=self.reverse)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A list: a key for each row, the function that draws a row, the heading, and the summary."""

    keys: tuple[str, ...]
    draw: Callable[[int], Line]
    heading: str
    summary: str


def draw_queues(queues: Queues, view: View, width: int) -> Drawn:
    shown = queues.select(view.selection)
    cells = queues_page.choose_cells(shown, width)

    def draw(index: int) -> Line:
        queue = shown.queues[index]
        return row_line(queue, queue.verdict, cells)

    keys = tuple(queue.name for queue in shown.queues)
    return Drawn(keys, draw, heading_line(cells), f"{queues_page.summary(shown)}; {queues_page.totals(shown)}")


def draw_workers(fleet: Fleet, view: View, width: int, *, has_registry: bool) -> Drawn:
    shown = Fleet(tuple(worker for worker in fleet.workers if _is_shown(worker, view)))

    def draw(index: int) -> Line:
        return fleet_page.row(shown.workers[index], width)

    keys = tuple(str(worker.id) for worker in shown.workers)
    summary = fleet_page.summary(shown) if has_registry else NO_REGISTRY
    return Drawn(keys, draw, fleet_page.heading(width), summary)


def queue_lines(queues: Queues, name: str) -> Iterator[Line]:
    """Yield the details of a queue, which may be gone."""
    try:
        details = details_of(queues, name)
    except InvalidInput:
        yield Line(f"queue {name} does not exist any more", "red")
    else:
        yield from details_page.lines(details)


def worker_lines(fleet: Fleet, worker_id: str) -> Iterator[Line]:
    """Yield the findings and the queues of a worker, which may be gone."""
    worker = next((each for each in fleet.workers if str(each.id) == worker_id), None)
    if worker is None:
        yield Line(f"worker {worker_id} does not exist any more", "red")
        return
    yield Line(worker.title, "bold")
    for reason in worker.reasons:
        yield Line(
            f"{VERDICT_SIGNS[reason.verdict]} {reason.finding}: {reason.detail}",
            VERDICT_STYLES[reason.verdict],
        )
        yield Line(f"    {reason.hint}")
    if not worker.reasons:
        yield Line("  ok: no finding")
    for queue in worker.queues:
        yield Line(f"  queue {queue.name}: {queue.depth}; {counted(len(queue.consumer_tags), 'consumer')}")
        yield from (Line(f"    {label(binding)}") for binding in queue.bindings)


def bar(tab: str, view: View) -> str:
    """Return the line of tabs and choices."""
    tabs = "  ".join(f"[{name}]" if name == tab else f" {name} " for name in ("queues", "workers"))
    order = f"sort: {view.sort}{' reversed' if view.reverse else ''}"
    search = f"   search: {view.text}" if view.text else ""
    return f"{tabs}   {order}   filter: {view.filter}{search}"


def _is_shown(worker: FleetWorker, view: View) -> bool:
    name = worker.member.name if worker.member else ""
    return view.text.casefold() in name.casefold() and (
        view.filter == _ALL or worker.verdict is not Verdict.PASSED
    )
