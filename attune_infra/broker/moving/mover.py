"""Move the messages of a queue to where an exchange leads, none lost, and none doubled without a word.

Each transaction publishes one batch, witnesses it in the ledger, announces the next one there, and acknowledges
the one before, which the broker has confirmed. RabbitMQ carries a transaction out only once its commit has arrived
whole, so a program that is killed leaves either all of it or nothing. A broker that is killed may have kept a
part; what is in doubt then is published again with a mark, and counted.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from os import urandom
from typing import Final

import amqp

from attune_infra.broker.moving import frames
from attune_infra.broker.moving.batch import MANY, Batch, Chase, Taken
from attune_infra.broker.moving.books import Books
from attune_infra.broker.moving.frames import Arrived, Envelope, Method, envelope_of, with_properties
from attune_infra.broker.moving.intake import OFFSET_HEADER, identified, stored, without_other_user
from attune_infra.broker.moving.ledger import (
    PERSISTENT,
    TRANSIENT,
    WITNESSED,
    announcement,
    offset_of,
)
from attune_infra.broker.moving.line import Line
from attune_infra.journal import JOURNAL
from attune_infra.messages.encoded import (
    with_header,
)
from attune_infra.messages.model import Sending
from attune_infra.messages.moving import DOUBT_HEADER, END_HEADER, Moved, Orders

_LEDGER, _SOURCE = b"l", b"s"
_MAX_BATCH_BYTES: Final = 8 << 20
_COMMITS_OF_CHASE: Final = 4
"""Transactions after which the messages on their way to here are few."""
_IDLE: Final = 0.02
"""Seconds of silence after which the broker is asked whether the queue is empty."""
_RETURNED: Final = 1.0
"""Seconds in which a quorum queue returns what a move that was killed had taken, and counts it as ready again."""
_OFFSET: Final = bytes((len(OFFSET_HEADER),)) + OFFSET_HEADER
_FIRST: Final = b"S\0\0\0\5first"


class Mover:
    """Moves messages over one line, until it is told that it is enough."""

    def __init__(self, line: Line, orders: Orders, *, user: str, on_progress: Callable[[Moved], None]) -> None:
        self._line, self._orders, self._on_progress = line, orders, on_progress
        self._user = user.encode()
        self._exchange = orders.exchange.encode()
        self._is_stream = orders.source_type == "stream"
        self._books = Books(line, orders.ledger, is_stream=self._is_stream)
        self._waiting: deque[Taken] = deque()
        self._announced: Batch | None = None
        self._published: Batch | None = None
        self._skipped: list[int] = []
        self._is_committed = False
        self._ready, self._counted_consumers = 0, 0
        self._asked = 0
        self._is_drained = False
        self._end: bytes | None = None
        self._chase = Chase()
        self._commits = 0
        self._held = 0
        self._last_offset = -1
        self._consumers = 0
        self._has_begun, self._counts_from = True, 0.0
        self._chosen = 0
        self._decided = 0
        self._began = time.monotonic()
        self._has_emptied = False
        self.moved = Moved()

    def run(self, *, enough: int = 0) -> Moved:
        """Move until at most `enough` messages are ready in the source, or the limit is reached."""
        self._is_drained, self._end, self._chase, self._commits = False, None, Chase(), 0
        while not self._is_enough(enough):
            if self._has_work:
                self._commit()
                self._take(timeout=0)
            elif self._orders.by_get:
                self._ask_for_more()
                self._take()
            else:
                self._take(timeout=_IDLE)
        self._has_emptied = not enough and not self._is_at_limit
        return self.moved

    @property
    def left(self) -> Sequence[bytes]:
        """Fingerprints of messages that an earlier run has sent, and that are gone from the source without it.

        Others took them when that run was cut, or they expired. It is known once the source is empty.
        """
        return self._books.ledger.left() if self._has_emptied else ()

    @property
    def _has_work(self) -> bool:
        owes = self._published is not None and not (self._is_stream and self._published.is_acknowledged)
        return bool(self._waiting or self._announced or self._skipped or owes)

    def _is_enough(self, enough: int) -> bool:
        if enough:
            return self._is_near(enough)
        return not self._has_work and (self._is_at_limit or self._is_empty())

    def _is_empty(self) -> bool:
        """Return True if nothing is left, and nothing is on its way.

        RabbitMQ may count a message out before it delivers it, but delivers it before it counts again.
        """
        is_silent = not self._take(timeout=_IDLE)
        return is_silent and not self._left() and not self._left() and not self._has_work

    def _is_near(self, enough: int) -> bool:
        """Return True if so few messages are left, on their way to here included, that the chase may end."""
        if not self._has_work and not self._take(timeout=_IDLE):
            return self._left() <= enough
        if self._commits < _COMMITS_OF_CHASE:
            return False
        left = len(self._waiting) + self._left()
        return left <= enough or self._chase.is_hopeless(left)

    def _left(self) -> int:
        """Return the number of messages that are ready in the source, as far as it can be asked."""
        if self._orders.by_get:
            return 0 if self._is_drained and not self._asked else MANY
        if self._is_stream:
            return 0 if self._has_read_stream() else MANY
        return self._count() or (MANY if time.monotonic() < self._counts_from else 0)

    def _has_read_stream(self) -> bool:
        """Return True once a message of its own, put behind all others, has come out of the stream.

        A stream that is only copied gets no such message: it is read as far as it was written at the start.
        """
        if self._orders.copies:
            return self._last_offset >= self._orders.until_offset
        if self._end is None and not self._is_drained:
            self._end = urandom(8)
            mark = with_header(PERSISTENT, END_HEADER, b"x" + len(self._end).to_bytes(4, "big") + self._end)
            line = self._line
            content = frames.content(line.channel, mark, b"", line.frame_max)
            self._transact((frames.publish(line.channel, b"", self._orders.source.encode()), content))
        return self._is_drained

    def open(self) -> None:
        """Read the ledger, then consume the source. Only one mover at a time may consume the ledger.

        An entry of its own, which comes after all others, tells that they have been read.
        """
        self._line.consume(self._orders.ledger, _LEDGER, 0, exclusive=True)
        self._transact(self._books.mark())
        while not self._books.has_come_to_mark:
            self._take()
        self._books.conclude(forgets=self._orders.begins_anew)
        self._consume()

    @property
    def is_settled(self) -> bool:
        """True if the ledger says nothing that another run would have to know."""
        return self._has_emptied or not self._books.ledger.left()

    def _consume(self) -> None:
        """Take messages from now on; those of a stream behind those that the ledger knows."""
        orders, offset = self._orders, b""
        if orders.by_get:
            return
        if self._is_stream:
            following = self._books.ledger.next_offset()
            offset = _OFFSET + (_FIRST if following is None else b"l" + following.to_bytes(8, "big"))
        self._consumers += 1
        self._has_begun = False
        self._line.consume(orders.source, _SOURCE + b"%d" % self._consumers, orders.prefetch, offset=offset)

    def _ask_for_more(self) -> None:
        """Take messages one by one, many at a time."""
        if not self._asked and not self._is_at_limit:
            self._asked = min(self._orders.batch, self._orders.prefetch)
            self._line.get(self._orders.source, self._asked)

    def close(self) -> None:
        """Drop the connection; what was taken and not moved returns to the source."""
        self._line.close()

    @property
    def _is_at_limit(self) -> bool:
        limit, most = self._orders.limit, self._orders.most
        return (limit is not None and self._chosen >= limit) or (most is not None and self._decided >= most)

    def _count(self) -> int:
        """Return the number of ready messages; raise `TimeoutError` if the source cannot tell it in time.

        RabbitMQ says that a quorum queue without a leader has no message and no consumer, not even this one.
        """
        while not self._has_begun:
            self._take()
        end = time.monotonic() + self._line.timeout
        while time.monotonic() < end:
            self._ready = -1
            self._line.declare_passively(self._orders.source)
            while self._ready < 0:
                self._take()
            if self._ready or self._counted_consumers:
                return self._ready
            self._take(timeout=_IDLE)
        raise TimeoutError(f"queue {self._orders.source} has no leader now")

    def _take(self, timeout: float | None = None) -> bool:
        """Take what has arrived; return True if that was anything."""
        events = self._line.receive(timeout)
        for event in events:
            if isinstance(event, Method):
                self._on_method(event)
            elif event.method == frames.RETURN:
                self._on_return(event)
            else:
                self._asked -= event.method == frames.GOT
                self._on_delivery(envelope_of(event), event.content)
        return bool(events)

    def _on_method(self, event: Method) -> None:
        if event.id == frames.COMMITTED:
            self._is_committed = True
        elif event.id == frames.GOT_NOTHING:
            self._asked, self._is_drained = self._asked - 1, True
        elif event.id == frames.DECLARED:
            self._ready, self._counted_consumers = frames.counts_of(event)
        elif event.id == frames.CONSUMED:
            self._has_begun = True
            self._counts_from = time.monotonic() + _RETURNED * (self._orders.source_type == "quorum")

    def _on_return(self, event: Arrived) -> None:
        """Note a message that reached no queue: it is not acknowledged, so it stays where it was."""
        assert self._announced is not None  # noqa: S101 - only what is being published can come back
        batch = self._announced
        contents = {each.print: self._content(each)[1] for each in batch.messages}
        found = {each for each, content in contents.items() if content == event.content}
        if not found:  # RabbitMQ may re-encode the properties
            body = frames.split_content(event.content)[1]
            found = {each for each, content in contents.items() if frames.split_content(content)[1] == body}
        batch.returned |= found

    def _on_delivery(self, envelope: Envelope, content: bytes) -> None:
        if envelope.consumer == _LEDGER:
            self._books.on_entry(envelope.tag, frames.split_content(content)[1])
            return
        if self._is_stream and (END_HEADER in content):
            self._is_drained = self._is_drained or (self._end is not None and self._end in content)
            return
        print_, content = identified(self._orders, envelope, content)
        if self._is_stream:
            self._last_offset = offset_of(print_)
        if self._books.ledger.was_published(print_):
            self._skipped.append(envelope.tag)
            self.moved = self.moved.plus(recovered=1)
            self._books.must_rewrite = True
            self._on_progress(self.moved)
            return
        if self._is_at_limit:
            return
        sending, content = None, self._without_other_user(content)
        if self._orders.choose is not None:
            self._decided += 1
            sending = self._orders.choose(stored(envelope, content))
            if sending is None:
                self._keep()
                return
        if self._books.ledger.is_doubtful(print_):
            self.moved = self.moved.plus(doubtful=1)
            encoded = frames.split_content(content)[0] if sending is None else sending.encoded
            marked = with_header(encoded, DOUBT_HEADER, b"t\x01")
            content = with_properties(content, marked)
            sending = sending and replace(sending, encoded=marked)
        self._chosen += 1
        self._waiting.append(Taken(envelope.tag, envelope.routing_key, content, print_, sending))

    def _without_other_user(self, content: bytes) -> bytes:
        found = without_other_user(content, self._user)
        if found is not content:
            self.moved = self.moved.plus(without_user=1)
        return found

    def _keep(self) -> None:
        """Leave a message unacknowledged; it returns to its place when the line is closed.

        Such messages use up what a consumer may hold, so there is another consumer for each share of them.
        """
        self.moved = self.moved.plus(kept=1)
        self._make_room()

    def _make_room(self) -> None:
        room = self._consumers * self._orders.prefetch - self.moved.kept - self.moved.returned - self._held
        if room < self._orders.prefetch // 2 and not self._is_at_limit:
            self._consume()

    def _commit(self) -> None:
        """Send one transaction, and wait until it is carried out."""
        going, upcoming = self._announced, self._next_batch()
        self._commits += 1
        while self._published is not None and not self._books.has(self._published.id):
            self._take()
        while self._books.must_rewrite and not self._books.can_rewrite:
            self._take()
        self._transact(self._parts(going, upcoming))
        if going is not None or not self._is_stream:
            self._published = going
        self._announced = upcoming
        if going is not None:
            self._report(going)
            if going.returned and self._orders.choose is None:
                self._commit()
                raise amqp.NotFound(f"exchange {self._orders.exchange} leads to no queue any more", frames.RETURN)

    def _transact(self, parts: Iterable[bytes]) -> None:
        self._is_committed = False
        self._line.send(b"".join((*parts, frames.commit(self._line.channel))))
        while not self._is_committed:
            self._take()

    def _report(self, going: Batch) -> None:
        number = len(going.messages) - len(going.returned)
        self.moved = self.moved.plus(moved=number, returned=len(going.returned))
        JOURNAL.note("copied" if self._orders.copies else "moved", "message", number=number)
        self._on_progress(self.moved)
        rate = self._orders.rate
        while rate and (ahead := self.moved.moved / rate - (time.monotonic() - self._began)) > 0:
            self._take(timeout=min(ahead, 1.0))

    def _parts(self, going: Batch | None, upcoming: Batch | None) -> Iterator[bytes]:
        channel = self._line.channel
        if going is not None:
            for taken in going.messages:
                yield from self._content(taken)
            yield from self._books.entry(WITNESSED + going.id, TRANSIENT)
        if self._books.must_rewrite:
            yield from self._books.rewritten()
        if upcoming is not None:
            yield from self._books.entry(
                announcement(upcoming.id, [each.print for each in upcoming.messages]), PERSISTENT
            )
        if self._published is not None:
            yield from self._acknowledged(self._published)
            if going is not None or not self._is_stream:
                yield from self._books.settled(self._published.id, len(self._published.messages))
        yield from (frames.ack(channel, tag) for tag in self._skipped)
        self._skipped = []

    def _next_batch(self) -> Batch | None:
        messages, size, orders = list[Taken](), 0, self._orders
        while self._waiting and len(messages) < orders.batch and size < _MAX_BATCH_BYTES:
            taken = self._waiting.popleft()
            size += len(taken.content)
            messages.append(taken)
        return Batch(self._books.new_id(), messages) if messages else None

    def _acknowledged(self, batch: Batch) -> Iterator[bytes]:
        """Acknowledge the messages of a batch once.

        A stream keeps them, and sends no more than the prefetch without. Copied messages are acknowledged to no
        other queue.
        """
        if batch.is_acknowledged:
            return
        batch.is_acknowledged = True
        if self._orders.begins_anew:
            self._held += len(batch.messages)
            self._make_room()
            return
        for each in batch.messages:
            if each.print not in batch.returned:
                yield frames.ack(self._line.channel, each.tag)

    def _content(self, taken: Taken) -> tuple[bytes, bytes]:
        """Return the frames that publish a message: its method, and its content."""
        sending, content, channel = taken.sending, taken.content, self._line.channel
        if sending is None:
            method = frames.publish(channel, self._exchange, taken.routing_key)
        else:
            method = frames.publish(channel, *_names_of(sending))
            content = with_properties(content, sending.encoded)
        return method, content


def _names_of(sending: Sending) -> tuple[bytes, bytes]:
    """Return the exchange and the routing key, as `stored` has read them."""
    names = sending.exchange, sending.routing_key
    exchange, routing_key = (name.encode(errors="surrogateescape") for name in names)
    return exchange, routing_key
