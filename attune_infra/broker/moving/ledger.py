"""The ledger of a move: what was sent to the broker, kept by the broker, in a queue of its own.

A move may be cut at any moment. What it had sent by then, only the broker knows. So each batch is announced there
by a persistent message before it goes out, and witnessed by a transient one in the transaction that publishes it.
The witness goes in the transaction that acknowledges the batch in the source; the announcement stays for longer.
The next run reads both:

- an announcement with its witness was published: what the source still holds of it is only acknowledged;
- one without, on a broker that has not restarted since, was never published, or is long done;
- one without, on a broker that has restarted, may have been published: what the source holds of it is published
  again, with a mark.

Transient messages do not survive a restart, which is how the ledger tells one: the mark of the start is one too.

RabbitMQ keeps acknowledgements in memory for a while, and confirms none. A broker that is killed forgets those it
had not written yet, and the messages are back in their queue. They are in doubt: `RECENT` messages stay announced.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import field
from hashlib import blake2b
from typing import Final

from attune_infra.dataclass import dataclass

ANNOUNCED, WITNESSED, DOUBTFUL, STARTED, ENDED = b"a", b"w", b"d", b"s", b"e"
_ID_BYTES: Final = 12
_FINGERPRINT_BYTES: Final = 16
RECENT: Final = 40_000
"""Messages that stay announced after they were acknowledged.

RabbitMQ keeps fewer acknowledgements in memory, by default: `queue_index_max_journal_entries` is 32,768, and
`classic_queue_index_v2_segment_entry_count` is 4,096, of which it keeps half.
"""

TRANSIENT: Final = b"\x10\x00\x01"
PERSISTENT: Final = b"\x10\x00\x02"
"""Properties of a message with nothing but its delivery mode."""


def fingerprint(routing_key: bytes, content: bytes) -> bytes:
    """Return what tells a message from all others, except from those that equal it in every byte."""
    found = blake2b(routing_key, digest_size=_FINGERPRINT_BYTES)
    found.update(b"\0")
    found.update(content)
    return found.digest()


def print_of_offset(offset: int) -> bytes:
    """Return what tells a message of a stream from all others."""
    return b"offset:\0" + offset.to_bytes(8, "big")


def offset_of(print_: bytes) -> int:
    return int.from_bytes(print_[-8:], "big")


def announcement(batch: bytes, fingerprints: Iterable[bytes]) -> bytes:
    return ANNOUNCED + batch + b"".join(fingerprints)


def batch_id(run: bytes, number: int) -> bytes:
    return run + number.to_bytes(_ID_BYTES - len(run), "big")


def batch_of(entry: bytes) -> bytes:
    """Return the id of the batch that an entry is about; it begins with the id of the run."""
    return entry[1 : 1 + _ID_BYTES]


@dataclass(slots=True)
class Ledger:
    """The entries that earlier runs have left, and what they say of the messages that come back."""

    is_stream: bool = False
    started: bool = False
    """True if the broker has not restarted since the first run."""
    announcements: list[tuple[int, int]] = field(default_factory=list)
    """Delivery tags of announcements, and the number of messages in each."""
    witnesses: list[int] = field(default_factory=list)
    """Delivery tags of witnesses and end marks. A run acknowledges them when it witnesses again what is `left`."""
    _announced: dict[bytes, Counter[bytes]] = field(default_factory=dict)
    _witnessed: set[bytes] = field(default_factory=set)
    _published: Counter[bytes] = field(default_factory=Counter)
    _newly_in_doubt: Counter[bytes] = field(default_factory=Counter)
    _last_doubt: Counter[bytes] = field(default_factory=Counter)
    """The messages in doubt since the last restart that an earlier run has met."""
    _doubtful: Counter[bytes] = field(default_factory=Counter)
    """The messages in doubt that have not come back yet."""

    def read(self, tag: int, body: bytes) -> None:
        """Take one entry."""
        kind, batch, rest = body[:1], batch_of(body), body[1 + _ID_BYTES :]
        prints = Counter(rest[at : at + _FINGERPRINT_BYTES] for at in range(0, len(rest), _FINGERPRINT_BYTES))
        if kind == STARTED:
            self.started = True
        elif kind == DOUBTFUL:
            self._doubtful += prints
            self._last_doubt = prints
        elif kind == ANNOUNCED:
            self._announced[batch] = prints
            self.announcements.append((tag, prints.total()))
        else:
            self.witnesses.append(tag)
            self._witnessed.add(batch)

    def conclude(self, *, forgets: bool = False) -> None:
        """Decide on all entries, once they are read; or forget them, if nothing is taken out of the source."""
        if forgets:
            self._doubtful.clear()
            return
        for batch in self._announced.keys() & self._witnessed:
            self._published += self._announced[batch]
        if not self.started:
            self._newly_in_doubt = self._unknown()
            self._doubtful += self._newly_in_doubt

    def _unknown(self) -> Counter[bytes]:
        """Return what may have been published before the broker restarted.

        A stream is not read twice. The transaction that announces a batch publishes the one before, and RabbitMQ
        may have kept the announcement alone; all batches before these two were confirmed.
        """
        batches = list(self._announced.values())
        return sum(batches[-2:] if self.is_stream else batches, Counter[bytes]())

    def was_published(self, print_: bytes) -> bool:
        """Return True for a message that is at its destination already, once for each time it is there."""
        return _take(self._published, print_)

    def is_doubtful(self, print_: bytes) -> bool:
        """Return True for a message that may be at its destination already."""
        return _take(self._doubtful, print_)

    def next_offset(self) -> int | None:
        """Return the offset of a stream at which to go on; None to begin with its first message."""
        if self._published:
            return max(map(offset_of, self._published)) + 1
        return min(map(offset_of, self._newly_in_doubt or self._last_doubt), default=None)

    def left(self) -> Sequence[bytes]:
        """Return the fingerprints of messages that were published, and have not come back yet."""
        return () if self.is_stream else tuple(self._published.elements())

    def newly_in_doubt(self) -> Sequence[bytes]:
        """Return the fingerprints of messages that may have been published before the broker restarted."""
        return tuple(self._newly_in_doubt.elements())


def _take(counter: Counter[bytes], key: bytes) -> bool:
    if counter[key] <= 0:
        return False
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
    return True
