"""Read the messages of a queue without taking any out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from attune_infra.messages.peeking import Peekable, Peeked, PeekedMessage, Wanted, as_published, shown

if TYPE_CHECKING:
    from attune_infra.interfaces.messages import PeekingBroker
    from attune_infra.messages.model import StoredMessage


def peek(
    broker: PeekingBroker,
    queue: Peekable,
    wanted: Wanted,
    *,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Peeked:
    """Return the messages that are wanted; raise `BrokerError` if the queue cannot be read."""
    found: list[PeekedMessage] = []
    read = _look(broker, queue, wanted, lambda at, each: found.append(shown(at, each)), on_progress)
    return Peeked(queue=queue, read=read, selected=len(found), messages=tuple(found))


def save(
    broker: PeekingBroker,
    queue: Peekable,
    wanted: Wanted,
    keep: Callable[[StoredMessage], None],
    *,
    path: Path,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Peeked:
    """Hand the wanted messages to `keep`, one by one, as they were published; raise as `peek` does."""
    saved = 0

    def take(_: int, message: StoredMessage) -> None:
        nonlocal saved
        saved += 1
        keep(as_published(message))

    read = _look(broker, queue, wanted, take, on_progress)
    return Peeked(queue=queue, read=read, selected=saved, saved=path)


def _look(
    broker: PeekingBroker,
    queue: Peekable,
    wanted: Wanted,
    take: Callable[[int, StoredMessage], None],
    on_progress: Callable[[int], None],
) -> int:
    """Take the wanted messages with their places; return the number of messages that were read."""
    read = taken = 0
    limit = wanted.count if wanted.selection.is_everything else None
    with broker.peeking(queue) as held:
        for message in held.read(limit, wanted.offset):
            read += 1
            on_progress(read)
            if wanted.selection.matches(message):
                take(read, message)
                taken += 1
                if taken == wanted.count:
                    break
    return read
