"""Read the messages of a queue without taking them out: all are held until the end, and given back together.

Giving one back would only bring it again. RabbitMQ keeps what is held, this program only the last delivery tag.
Over `basic.get`, a queue does not notice a consumer: one that RabbitMQ deletes after its last consumer stays, and
other consumers are not in the way. Quorum queues answer it slowly, so they are consumed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import amqp

from attune_infra.broker.failures import faults
from attune_infra.broker.failures.permissions import read_hint
from attune_infra.broker.failures.refusal import Code, refusal_of
from attune_infra.broker.moving import frames
from attune_infra.broker.moving.frames import Arrived, Method, envelope_of
from attune_infra.broker.moving.intake import stored
from attune_infra.broker.moving.line import Line, confirming_line
from attune_infra.errors import (
    AccessRefused,
    BrokerError,
    BrokerUnreachable,
    InUse,
    QueueUnavailable,
    RequestRefused,
)
from attune_infra.messages.model import StoredMessage
from attune_infra.messages.peeking import Offset, Peekable

if TYPE_CHECKING:
    from attune_infra.broker.connections import Connections
    from attune_infra.settings import Settings

_GETS_AT_ONCE: Final = 200
_PREFETCH: Final = 1000
_IDLE: Final = 0.05
"""Seconds of silence after which the queue is asked whether anything is left."""
_PATIENCE: Final = 2.0
"""Seconds in which a queue has to take more of what it gets back."""
_GROUPS_AT_ONCE: Final = 16
"""Shares given back at once: behind 32 commands, RabbitMQ's channel changes their order."""
_END_OF_STREAM: Final = 1.0
"""Seconds of silence after which a stream counts as read; nothing tells its end."""


@contextmanager
def peeking(connections: Connections, queue: Peekable) -> Iterator[HeldMessages]:
    """Yield the messages of a queue, and give them back afterwards; raise `BrokerError` if it cannot be read."""
    settings = connections.settings
    line = confirming_line(settings)
    held = HeldMessages(line, queue, timeout=settings.timeout)
    try:
        yield held
        held.give_back()
    except (amqp.AMQPError, OSError) as error:
        if isinstance(error, TimeoutError):
            with suppress(amqp.AMQPError, OSError):
                held.give_back()
        raise _not_read(error, queue, settings) from error
    except BaseException:
        with suppress(amqp.AMQPError, OSError):
            held.give_back()
        raise
    finally:
        line.close()


class HeldMessages:
    """The messages of one queue, held for as long as they are read."""

    def __init__(self, line: Line, queue: Peekable, *, timeout: float) -> None:
        self._line, self._queue, self._timeout = line, queue, timeout
        self._arrived: list[StoredMessage] = []
        self._last_tag = 0
        self._groups: list[int] = []
        """The last delivery tag of each consumer. A quorum queue keeps the order only if it gets back what one
        has after the other, and not too much at once."""
        self._acknowledged = 0
        self._asked = 0
        """Questions whose answers are still to come."""
        self._ready, self._counted_consumers = 0, 0
        self._is_empty = False
        self._consumer: bytes | None = None
        self._consumers = 0

    def read(self, count: int | None, offset: Offset = "first") -> Iterator[StoredMessage]:
        """Yield so many messages, at most those that are ready now; a stream is read from an offset on."""
        if self._queue.type == "stream":
            return self._read_stream(count, offset)
        ready = self._count()
        wanted = ready if count is None else min(count, ready)
        return self._consume(wanted) if self._queue.type == "quorum" else self._get(wanted)

    def give_back(self) -> None:
        """Give everything back, and wait until RabbitMQ has it. A lost connection would count as a failure."""
        while self._asked:
            self._take()
        self._cancel()
        if not self._last_tag or self._queue.type == "stream":
            return
        tags = list(dict.fromkeys((*self._groups, self._last_tag)))
        self._groups, self._last_tag = [], 0
        others = self._count()
        for start in range(0, len(tags), _GROUPS_AT_ONCE):
            for tag in tags[start : start + _GROUPS_AT_ONCE]:
                self._line.send(frames.requeue_up_to(self._line.channel, tag))
            self._wait_for(others + tags[min(start + _GROUPS_AT_ONCE, len(tags)) - 1])

    def _wait_for(self, ready: int) -> None:
        """Wait until so many messages are ready; other consumers may take some, so only while they get more."""
        most, end = -1, time.monotonic() + _PATIENCE
        while (now := self._count()) < ready and time.monotonic() < end:
            if now > most:
                most, end = now, time.monotonic() + _PATIENCE
            self._take(_IDLE)

    def _get(self, wanted: int) -> Iterator[StoredMessage]:
        left = wanted
        while (left and not self._is_empty) or self._asked:
            if left and not self._is_empty and self._asked <= _GETS_AT_ONCE // 2:
                more = min(left, _GETS_AT_ONCE - self._asked)
                self._line.get(self._queue.name, more)
                self._asked += more
                left -= more
            self._take()
            yield from self._handed_over()

    def _consume(self, wanted: int) -> Iterator[StoredMessage]:
        """Consume in shares, a consumer for each, so that RabbitMQ never has more on the way than one share."""
        while wanted and not self._is_empty:
            share = min(_PREFETCH, wanted)
            self._start_consumer(share)
            arrived = 0
            while arrived < share and not self._is_empty:
                self._take_or_ask()
                for message in self._handed_over():
                    arrived += 1
                    yield message
            self._cancel()
            self._groups.append(self._last_tag)
            late = self._handed_over()
            yield from late
            wanted -= arrived + len(late)

    def _take_or_ask(self) -> None:
        """Take what arrives; after a silence, ask whether anything is left.

        RabbitMQ says that a quorum queue without a leader has no message and no consumer, not even this one.
        """
        end = time.monotonic() + self._timeout
        while time.monotonic() < end:
            if self._take(_IDLE):
                return
            self._is_empty = not self._count() and self._counted_consumers > 0
            if self._is_empty or self._arrived:  # more may have come before the answer
                return
        raise TimeoutError("no answer in time")

    def _read_stream(self, count: int | None, offset: Offset) -> Iterator[StoredMessage]:
        self._start_consumer(_PREFETCH, _encoded(offset))
        read = 0
        while self._take(_END_OF_STREAM):
            for message in self._handed_over():
                yield message
                read += 1
                if count is not None and read >= count:
                    return
            self._acknowledge()

    def _acknowledge(self) -> None:
        """Acknowledge what a stream has sent, so that it sends more; it stays in the stream."""
        if self._last_tag > self._acknowledged:
            self._acknowledged = self._last_tag
            self._line.send(frames.ack_up_to(self._line.channel, self._last_tag))

    def _start_consumer(self, prefetch: int, offset: bytes = b"") -> None:
        self._consumers += 1
        self._consumer = b"peek%d" % self._consumers
        self._line.consume(self._queue.name, self._consumer, prefetch, offset=offset)

    def _cancel(self) -> None:
        """Cancel the consumer, and wait until RabbitMQ has done so."""
        if self._consumer is None or self._queue.type == "stream":
            return
        self._line.send(frames.cancel(self._line.channel, self._consumer))
        while self._consumer is not None:
            self._take()

    def _count(self) -> int:
        """Return the number of messages that are ready now."""
        self._ready = -1
        self._line.declare_passively(self._queue.name)
        while self._ready < 0:
            self._take()
        return self._ready

    def _take(self, timeout: float | None = None) -> bool:
        """Take what arrives next; return False if that is nothing."""
        events = self._line.receive(timeout)
        for event in events:
            if isinstance(event, Arrived):
                self._arrived.append(self._held(event))
            else:
                self._on_method(event)
        return bool(events)

    def _handed_over(self) -> list[StoredMessage]:
        """Return the messages that have arrived, each once."""
        arrived, self._arrived = self._arrived, []
        return arrived

    def _held(self, event: Arrived) -> StoredMessage:
        envelope = envelope_of(event)
        self._last_tag = envelope.tag
        if event.method == frames.GOT:
            self._asked -= 1
        return stored(envelope, event.content)

    def _on_method(self, event: Method) -> None:
        match event.id:
            case frames.GOT_NOTHING:
                self._asked -= 1
                self._is_empty = True
            case frames.DECLARED:
                self._ready, self._counted_consumers = frames.counts_of(event)
            case frames.CANCEL_DONE:
                self._consumer = None


def _encoded(offset: Offset) -> bytes:
    """Return the argument of a consumer that says where to begin in a stream."""
    name = frames.short_string(b"x-stream-offset")
    if isinstance(offset, int):
        return name + b"l" + offset.to_bytes(8, "big")
    return name + b"S" + len(offset).to_bytes(4, "big") + offset.encode()


def _not_read(error: Exception, queue: Peekable, settings: Settings) -> BrokerError:
    """Return the error for a queue that could not be read; what was held is back in it."""
    if found := faults.unanswered(error, settings):
        return found
    if isinstance(error, TimeoutError):
        return BrokerUnreachable(
            f"queue {queue.name} could not be read: no answer within {settings.timeout:g} s",
            hint="a queue with many messages may need longer: --timeout 60 waits for it",
        )
    refusal = refusal_of(error)
    sentence = f"queue {queue.name} could not be read: {refusal.text}"
    match refusal.code:
        case Code.FORBIDDEN if "exclusive use" not in refusal.text:
            return AccessRefused(sentence, hint=read_hint(queue.name, settings))
        case Code.FORBIDDEN | Code.LOCKED:
            return InUse(sentence, hint="another connection has it alone; try again when that has ended")
        case Code.UNAVAILABLE:
            return QueueUnavailable(sentence, hint="its node is probably down, and the queue returns with it")
    if isinstance(error, amqp.ChannelError):
        return RequestRefused(sentence)
    return faults.from_amqp_connect(error, settings)
