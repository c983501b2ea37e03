"""The ledger of one move, as this run reads and writes it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from os import urandom
from typing import Final

from attune_infra.broker.moving import frames
from attune_infra.broker.moving.ledger import (
    ANNOUNCED,
    DOUBTFUL,
    ENDED,
    PERSISTENT,
    RECENT,
    STARTED,
    TRANSIENT,
    WITNESSED,
    Ledger,
    announcement,
    batch_id,
    batch_of,
)
from attune_infra.broker.moving.line import Line

_CARRIED: Final = b"carried-over"
"""The id of a batch that was published by another move; always the same, so that it counts once."""


class Books:
    """The entries of earlier runs, and those that this run writes."""

    def __init__(self, line: Line, queue: str, *, is_stream: bool = False) -> None:
        self._line, self._key = line, queue.encode()
        self._run, self._number = urandom(8), 0
        self.ledger = Ledger(is_stream=is_stream)
        self._entries: dict[bytes, dict[bytes, int]] = {}
        """Delivery tags of the entries of this run, by the batches that they are about, and their kinds."""
        self._recent: deque[tuple[int, int]] = deque()
        """Delivery tags of announcements that stay for a while, and the number of messages in each."""
        self._recent_messages = 0
        self.must_rewrite = True
        self._again: bytes | None = None
        """The id of the batch that stands for those which earlier runs have published."""

    def on_entry(self, tag: int, body: bytes) -> None:
        """Take an entry of the ledger: one of this run, or one that an earlier run has left."""
        batch = batch_of(body)
        if batch.startswith(self._run):
            self._entries.setdefault(batch, {})[body[:1]] = tag
        else:
            self.ledger.read(tag, body)

    def mark(self) -> Iterator[bytes]:
        """Publish an entry that comes back behind all that earlier runs have left."""
        yield from self.entry(ENDED + self.new_id(), TRANSIENT)

    @property
    def has_come_to_mark(self) -> bool:
        return any(ENDED in kinds for kinds in self._entries.values())

    def conclude(self, *, forgets: bool) -> None:
        """Decide what the entries of earlier runs say, once they are read."""
        self.ledger.witnesses += (kinds[ENDED] for kinds in self._entries.values())
        self._entries.clear()
        for tag, count in self.ledger.announcements:
            self._keep(tag, count)
        self.ledger.conclude(forgets=forgets)

    def has(self, batch: bytes) -> bool:
        """Return whether both entries of a batch of this run have come back, so that they can be acknowledged."""
        return self._entries.get(batch, {}).keys() == {ANNOUNCED, WITNESSED}

    @property
    def can_rewrite(self) -> bool:
        return self._again is None or self.has(self._again)

    def rewritten(self) -> Iterator[bytes]:
        """Replace what earlier runs have witnessed by what is left of it, and keep what is in doubt."""
        ledger, self.must_rewrite = self.ledger, False
        if not ledger.started:
            if doubtful := ledger.newly_in_doubt():
                yield from self.entry(DOUBTFUL + self.new_id() + b"".join(doubtful), PERSISTENT)
            yield from self.entry(STARTED + self.new_id(), TRANSIENT)
            ledger.started = True
        if ledger.is_stream:
            return
        if self._again is not None:
            yield from self.settled(self._again, 0)
        yield from (frames.ack(self._line.channel, tag) for tag in ledger.witnesses)
        ledger.witnesses, self._again = [], None
        if left := ledger.left():
            self._again = self.new_id()
            yield from self.entry(announcement(self._again, left), PERSISTENT)
            yield from self.entry(WITNESSED + self._again, TRANSIENT)

    def settled(self, batch: bytes, count: int) -> Iterator[bytes]:
        """Acknowledge the witness of a batch, and the announcements that are old enough."""
        kinds = self._entries.pop(batch)
        yield frames.ack(self._line.channel, kinds[WITNESSED])
        self._keep(kinds[ANNOUNCED], count)
        while self._recent_messages > RECENT:
            tag, messages = self._recent.popleft()
            self._recent_messages -= messages
            yield frames.ack(self._line.channel, tag)

    def _keep(self, tag: int, count: int) -> None:
        self._recent.append((tag, count))
        self._recent_messages += count

    def carried(self, prints: Sequence[bytes]) -> Iterator[bytes]:
        """Note messages of another move, as if this one had published them: they go no further."""
        yield from self.entry(STARTED + self.new_id(), TRANSIENT)
        yield from self.entry(announcement(_CARRIED, prints), PERSISTENT)
        yield from self.entry(WITNESSED + _CARRIED, TRANSIENT)

    def new_id(self) -> bytes:
        self._number += 1
        return batch_id(self._run, self._number)

    def entry(self, body: bytes, properties: bytes) -> tuple[bytes, bytes]:
        """Return the frames that publish an entry of the ledger."""
        line = self._line
        return (
            frames.publish(line.channel, b"", self._key),
            frames.content(line.channel, properties, body, line.frame_max),
        )
