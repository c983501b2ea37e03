"""One queue: its findings, numbers, arguments, policy, bindings, and the way of a message through it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attune_infra.fleet.queue_details import QueueDetails
from attune_infra.fleet.queues import WatchedQueue
from attune_infra.render.pages import trace as trace_page
from attune_infra.render.pages.queues import queue_data
from attune_infra.render.text import UNKNOWN, VERDICT_SIGNS, VERDICT_STYLES, Line, idle_time, level_of, number
from attune_infra.render.words import value
from attune_infra.topology.model import label
from attune_infra.topology.words import counted

if TYPE_CHECKING:
    from attune_infra.contract.queues import QueueDetailsData


def lines(details: QueueDetails) -> Iterator[Line]:
    queue = details.queue
    yield Line(f"queue {queue.name}", "bold")
    for reason in queue.reasons:
        verdict = reason.finding.verdict
        text = f"{VERDICT_SIGNS[verdict]} {reason.finding}: {reason.detail}"
        yield Line(text, VERDICT_STYLES[verdict], level_of(verdict))
        yield Line(f"    {reason.hint}")
    if not queue.reasons:
        yield Line("  ok: no finding")
    yield from _numbers(queue)
    yield from _settings(queue)
    yield from _bindings(queue)
    yield Line("")
    yield Line("a message's way, by example", "bold")
    for each in details.traces:
        yield from trace_page.lines(each)


def data(details: QueueDetails) -> QueueDetailsData:
    return {
        "queue": queue_data(details.queue),
        "traces": [trace_page.data(each) for each in details.traces],
    }


def _numbers(queue: WatchedQueue) -> Iterator[Line]:
    numbers, declared = queue.numbers, queue.queue
    flags = ["durable" if declared.durable else "transient"]
    flags += [name for name in ("auto_delete", "exclusive") if getattr(declared, name)]
    yield Line(f"  {queue.type}, {', '.join(flags).replace('_', '-')}, {declared.state or 'state unknown'}")
    yield Line(f"  {number(queue.ready)} ready, {number(queue.unacknowledged)} unacknowledged")
    rates = f"{number(numbers.rate_in)}/s in, {number(numbers.rate_out)}/s out"
    yield Line(f"  {counted(numbers.consumers, 'consumer')}, {rates}, idle for {idle_time(numbers.idle)}")
    yield Line(f"  on node {numbers.node or UNKNOWN}")


def _settings(queue: WatchedQueue) -> Iterator[Line]:
    yield Line("")
    yield Line(f"arguments in effect; policy: {queue.policy or 'none'}", "bold")
    for name, found in sorted(queue.effective.items()):
        own = queue.queue.arguments.get(name)
        source = "argument" if own == found else "policy"
        yield Line(f"  {name}: {value(found)}, by {source}")
    if not queue.effective:
        yield Line("  none")


def _bindings(queue: WatchedQueue) -> Iterator[Line]:
    yield Line("")
    yield Line(counted(len(queue.bindings), "binding"), "bold")
    for binding in queue.bindings:
        yield Line(f"  {label(binding).removeprefix('binding ')}")
    if queue.dead_letters_of:
        yield Line(f"  gets the dead letters of {', '.join(queue.dead_letters_of)}")
