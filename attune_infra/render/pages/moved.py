"""Messages that were moved or copied from one queue to another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attune_infra.messages.moving import DOUBT_HEADER, Moved, MoveResult
from attune_infra.render.text import Line
from attune_infra.topology.words import counted

if TYPE_CHECKING:
    from attune_infra.contract.migrations import MovedData, MoveResultData


def lines(result: MoveResult) -> Iterator[Line]:
    verb = "copied" if result.copies else "moved"
    yield Line(
        f"queue {result.source}: {counted(result.moved.moved, 'message')} {verb} to queue {result.to}", "bold"
    )
    yield from _remarks(result.moved)
    if result.moved.kept:
        yield Line(f"  {counted(result.moved.kept, 'message')} were not selected, and stay")


def data(result: MoveResult) -> MoveResultData:
    return {
        "source": result.source,
        "to": result.to,
        "copies": result.copies,
        "not_selected": result.moved.kept,
        **moved_data(result.moved),
    }


def moved_lines(moved: Moved) -> Iterator[Line]:
    """Yield the numbers of messages that were moved, and remarks on some of them."""
    yield Line(f"  {counted(moved.moved, 'message')} moved, each confirmed before it was removed from its queue")
    yield from _remarks(moved)


def _remarks(moved: Moved) -> Iterator[Line]:
    if moved.recovered:
        yield Line(
            f"  {counted(moved.recovered, 'message')} had been moved by a run that was cut, and were not again"
        )
    if moved.doubtful:
        yield Line(
            f"  {counted(moved.doubtful, 'message')} may be there twice, because the broker stopped meanwhile; "
            f"each has the header {DOUBT_HEADER.decode()}",
            "yellow",
        )
    if moved.taken:
        yield Line(
            f"  handled twice: {counted(moved.taken, 'message')} that consumers took out of the queue after a run "
            "was cut that had moved them",
            "yellow",
        )
    if moved.without_user:
        yield Line(f"  {counted(moved.without_user, 'message')} lost user_id, which named another user")


def moved_data(moved: Moved) -> MovedData:
    return {
        "moved": moved.moved,
        "recovered": moved.recovered,
        "maybe_doubled": moved.doubtful,
        "without_user": moved.without_user,
        "taken": moved.taken,
    }
