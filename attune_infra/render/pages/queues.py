"""The queues of a virtual host as a table that fits its width: the verdict first, then the name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode
from attune_infra.fleet.queues import Column, Finding, Queues, Reason, WatchedQueue
from attune_infra.links import code_url
from attune_infra.render.objects import odd_key_data
from attune_infra.render.text import (
    UNKNOWN,
    Cell,
    Line,
    first_of,
    heading_line,
    idle_time,
    number,
    rest_of,
    row_line,
)
from attune_infra.render.words import visible
from attune_infra.topology.words import counted

if TYPE_CHECKING:
    from attune_infra.contract.queues import QueueBindingData, QueueData, QueueFindingData, QueuesData
    from attune_infra.topology.model import Binding

_IN_SUMMARY: Final = {
    Finding.DOWN: "down",
    Finding.DEAD_LETTERS: "with dead letters",
    Finding.BACKLOG: "not consumed",
    Finding.ORPHAN: "orphaned",
    Finding.UNBOUNDED: "unbounded",
}
_MIN_NAME_WIDTH: Final = 20
_ENOUGH_NAME_WIDTH: Final = 28
"""A column that is not needed is shown only if it leaves names so much."""
_MAX_CELL_WIDTH: Final = 20


@dataclass(frozen=True, slots=True)
class Listing:
    """Queues, and the width to show them in, in characters."""

    shown: Queues
    width: int = 80

    @property
    def exit_code(self) -> ExitCode:
        return self.shown.exit_code


def lines(listing: Listing) -> Iterator[Line]:
    queues = listing.shown.queues
    if queues:
        cells = choose_cells(listing.shown, listing.width)
        yield Line(heading_line(cells), "bold")
        yield from (row_line(queue, queue.verdict, cells) for queue in queues)
        if left_out := _left_out(cells, listing.shown):
            yield Line(f"too wide for {listing.width} columns: {left_out}; `--output json` has all")
    yield Line(summary(listing.shown))
    if queues:
        yield Line(totals(listing.shown))


def data(listing: Listing) -> QueuesData:
    shown, counts = listing.shown, listing.shown.counts()
    return {
        "queues": [queue_data(queue) for queue in shown.queues],
        "total": shown.total,
        "counts": {
            "down": counts[Finding.DOWN],
            "dead_letters": counts[Finding.DEAD_LETTERS],
            "backlog": counts[Finding.BACKLOG],
            "orphan": counts[Finding.ORPHAN],
            "unbounded": counts[Finding.UNBOUNDED],
        },
    }


def summary(queues: Queues) -> str:
    """Return the number of queues, and of those with each finding."""
    count, counts = len(queues.queues), queues.counts()
    words = counted(count, "queue") if count == queues.total else f"{count} of {counted(queues.total, 'queue')}"
    found = ", ".join(f"{counts[each]} {_IN_SUMMARY[each]}" for each in Finding if counts[each])
    return f"{words}: {found}" if found else words


def totals(queues: Queues) -> str:
    """Return the number of messages, and the node if all queues are on one."""
    ready = sum(queue.ready or 0 for queue in queues.queues)
    unacked = sum(queue.unacknowledged or 0 for queue in queues.queues)
    node = f", all on node {min(queues.nodes)}" if len(queues.nodes) == 1 and len(queues.queues) > 1 else ""
    return f"{counted(ready, 'message')} ready, {unacked} unacknowledged{node}"


def choose_cells(queues: Queues, width: int) -> tuple[Cell[WatchedQueue], ...]:
    """Return the columns that fit; the name gets the rest of the width, down to 20 characters."""
    known = {cell.heading: cell for cell in _cells(queues.queues)}
    cells = [cell for heading, cell in known.items() if heading not in _WIDENING]
    for column in _useful(queues):
        if rest_of(width, [*cells, known[column]]) >= _ENOUGH_NAME_WIDTH:
            cells.append(known[column])
    longest = max((len(visible(queue.name)) for queue in queues.queues), default=0)
    name_width = min(max(rest_of(width, cells), _MIN_NAME_WIDTH), max(longest, len("name")))
    return tuple(cell if cell.width else cell._replace(width=name_width) for cell in cells)


_WIDENING: Final = (Column.POLICY, Column.STATE, Column.NODE)
"""Columns that only a wide table has, in the order of their use, by their headings."""


def _cells(queues: Iterable[WatchedQueue]) -> tuple[Cell[WatchedQueue], ...]:
    verdicts, policies, states, nodes = (
        max((len(text(queue)) for queue in queues), default=0) for text in (_verdict, _policy, _state, _node)
    )
    return (
        Cell("verdict", max(verdicts, 7), False, _verdict),
        Cell("name", 0, False, lambda queue: queue.name),
        Cell("type", 7, False, lambda queue: queue.type),
        Cell("ready", 5, True, lambda queue: number(queue.ready)),
        Cell("unack", 5, True, lambda queue: number(queue.unacknowledged)),
        Cell("cons", 4, True, lambda queue: number(queue.numbers.consumers)),
        Cell("in/s", 5, True, lambda queue: number(queue.numbers.rate_in)),
        Cell("out/s", 5, True, lambda queue: number(queue.numbers.rate_out)),
        Cell("idle", 4, True, lambda queue: idle_time(queue.numbers.idle)),
        Cell("policy", _cell_width("policy", policies), False, _policy),
        Cell("state", _cell_width("state", states), False, _state),
        Cell("node", _cell_width("node", nodes), False, _node),
    )


def _cell_width(title: str, longest: int) -> int:
    return min(max(len(title), longest), _MAX_CELL_WIDTH)


def _useful(queues: Queues) -> Iterator[Column]:
    """Yield the columns for a wide table that tell something, such as nodes if there are several."""
    tells = {
        Column.POLICY: any(queue.policy for queue in queues.queues),
        Column.STATE: any(not queue.queue.works for queue in queues.queues),
        Column.NODE: len(queues.nodes) > 1,
    }
    return (column for column in _WIDENING if tells[column])


def _left_out(cells: Iterable[Cell[WatchedQueue]], queues: Queues) -> str:
    shown = {cell.heading for cell in cells}
    return ", ".join(column for column in _useful(queues) if column not in shown)


def _verdict(queue: WatchedQueue) -> str:
    return first_of(queue.findings)


def _policy(queue: WatchedQueue) -> str:
    return queue.policy or UNKNOWN


def _state(queue: WatchedQueue) -> str:
    return queue.queue.state or UNKNOWN


def _node(queue: WatchedQueue) -> str:
    return queue.numbers.node or UNKNOWN


def queue_data(queue: WatchedQueue) -> QueueData:
    numbers, declared = queue.numbers, queue.queue
    return {
        "name": queue.name,
        "type": queue.type,
        "durable": declared.durable,
        "auto_delete": declared.auto_delete,
        "exclusive": declared.exclusive,
        "arguments": dict(declared.arguments),
        "effective_arguments": dict(queue.effective),
        "policy": queue.policy,
        "state": declared.state,
        "node": numbers.node,
        "ready": queue.ready,
        "unacknowledged": queue.unacknowledged,
        "consumers": numbers.consumers,
        "rate_in": numbers.rate_in,
        "rate_out": numbers.rate_out,
        "idle_seconds": numbers.idle,
        "idle_since": numbers.idle_since,
        "bindings": [_binding_data(binding) for binding in queue.bindings],
        "dead_letters_of": list(queue.dead_letters_of),
        "verdict": queue.verdict,
        "findings": [_finding_data(reason) for reason in queue.reasons],
    }


def _binding_data(binding: Binding) -> QueueBindingData:
    return {
        "source": binding.source,
        "routing_key": binding.routing_key,
        "arguments": dict(binding.arguments),
        **odd_key_data(binding),
    }


def _finding_data(reason: Reason) -> QueueFindingData:
    code = f"queue-{reason.finding.code.replace('_', '-')}"
    return {"code": code, "url": code_url(code), "detail": reason.detail, "hint": reason.hint}
