"""Messages that were loaded from a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from attune_infra.messages.loading import Loaded
from attune_infra.render.text import Level, Line
from attune_infra.topology.words import counted

if TYPE_CHECKING:
    from attune_infra.contract.queue import LoadedData

_MAX_FAILURES_SHOWN: Final = 20


def lines(loaded: Loaded) -> Iterator[Line]:
    for failed in loaded.failed[:_MAX_FAILURES_SHOWN]:
        yield Line(f"! {loaded.source}:{failed.line}: {failed.why}", "red", Level.PROBLEM)
    if more := loaded.failed[_MAX_FAILURES_SHOWN:]:
        words = f"{len(more)} more failed, up to line {more[-1].line}; `--output json` lists each"
        yield Line(f"! {words}", "red", Level.PROBLEM)
    if loaded.confirmed or not loaded.failed:
        yield Line(f"+ {counted(loaded.confirmed, 'message')} loaded into {loaded.destination.words}", "green")
    yield from _changes(loaded)
    yield from _rest(loaded)


def data(loaded: Loaded) -> LoadedData:
    doubtful = loaded.doubtful
    return {
        "file": loaded.source,
        "queue": loaded.destination.queue,
        "exchange": loaded.destination.exchange,
        "confirmed": loaded.confirmed,
        "failed": [{"line": failed.line, "why": failed.why} for failed in loaded.failed],
        "without_user_id": loaded.without_user,
        "without_copies": loaded.without_copies,
        "next_line": loaded.next_line,
        "doubtful": None if doubtful is None else {"first": doubtful[0], "last": doubtful[1]},
        "failure": loaded.failure,
        "hint": loaded.hint,
    }


def _changes(loaded: Loaded) -> Iterator[Line]:
    """Yield what messages had to give up."""
    if loaded.without_user:
        yield Line(f"~ {loaded.without_user} without user_id: it named another user than the login", "yellow")
    if loaded.without_copies:
        words = "it would have sent them to other queues too"
        yield Line(f"~ {loaded.without_copies} without the header CC or BCC: {words}", "yellow")


def _rest(loaded: Loaded) -> Iterator[Line]:
    """Yield why the file is not done, and how to go on."""
    if loaded.failure is not None:
        yield Line(f"! not done: {loaded.failure}", "red", Level.PROBLEM)
        if loaded.hint is not None:
            yield Line(f"  hint: {loaded.hint}", level=Level.PROBLEM)
    if loaded.doubtful is not None:
        first, last = loaded.doubtful
        what = f"line {first} was" if first == last else f"lines {first} to {last} were"
        words = f"{what} sent, and not all is confirmed: what is in the queue of it would be doubled"
        yield Line(f"! {words}", "red", Level.PROBLEM)
    if loaded.next_line is not None:
        yield Line(f"go on with --from-line {loaded.next_line}", level=Level.PROBLEM)
