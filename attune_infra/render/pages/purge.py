"""Queues that were emptied."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attune_infra.messages.purging import Emptied, Full, Purged, ToPurge
from attune_infra.render.text import Level, Line
from attune_infra.topology.words import counted

if TYPE_CHECKING:
    from attune_infra.contract.queue import PurgedData, PurgedQueueData


def lines(purged: Purged) -> Iterator[Line]:
    for each in purged.queues:
        if each.failure is not None:
            yield Line(f"! queue {each.queue.name}: not emptied: {each.failure}", "red", Level.PROBLEM)
            if each.hint is not None:
                yield Line(f"  hint: {each.hint}", level=Level.PROBLEM)
        else:
            yield Line(f"- queue {each.queue.name}: {counted(each.deleted, 'message')} deleted{_kept(each.queue)}")
    if not purged.queues:
        yield Line("nothing to delete")


def wanted_lines(wanted: ToPurge) -> Iterator[Line]:
    """Yield what would be deleted."""
    for queue in wanted.queues:
        yield Line(f"- queue {queue.name}: {counted(queue.ready, 'message')}{_kept(queue)}", "red")


def data(purged: Purged) -> PurgedData:
    return {"queues": [_queue_data(each) for each in purged.queues]}


def _queue_data(each: Emptied) -> PurgedQueueData:
    return {
        "name": each.queue.name,
        "type": each.queue.type,
        "deleted": each.deleted,
        "unacknowledged": each.queue.unacknowledged,
        "failure": each.failure,
        "hint": each.hint,
    }


def _kept(queue: Full) -> str:
    if not queue.unacknowledged:
        return ""
    return f"; {queue.unacknowledged} unacknowledged, which a consumer has, stay"
