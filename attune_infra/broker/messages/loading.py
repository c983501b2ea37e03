"""Publish messages with confirms, many on the way at a time, and tell of each line what became of it.

Every message is mandatory. RabbitMQ returns one that reaches no queue, and confirms it afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from struct import unpack_from
from typing import TYPE_CHECKING, Final, NamedTuple

import amqp

from attune_infra.broker.failures import faults
from attune_infra.broker.failures.permissions import write_hint
from attune_infra.broker.failures.refusal import Code, refusal_of
from attune_infra.broker.moving import frames
from attune_infra.broker.moving.frames import Arrived
from attune_infra.broker.moving.line import Line, confirming_line
from attune_infra.errors import AccessRefused, BrokerError, RequestRefused
from attune_infra.journal import JOURNAL
from attune_infra.messages.loading import Failed, Outgoing

if TYPE_CHECKING:
    from attune_infra.broker.connections import Connections

_MAX_UNDER_WAY: Final = 2000
_MAX_BYTES_UNDER_WAY: Final = 8 << 20
_PIECE: Final = 1 << 16
"""Bytes that are sent at once."""
_NOW: Final = 0.0


class _Sent(NamedTuple):
    line: int
    exchange: bytes
    routing_key: bytes
    content: bytes


@contextmanager
def loading(connections: Connections, on_outcome: Callable[[int, Failed | None], None]) -> Iterator[Loader]:
    """Yield a loader; `on_outcome` gets the line of each message, and why it failed if it did."""
    settings = connections.settings
    line = confirming_line(settings)
    loader = Loader(line, on_outcome)
    try:
        yield loader
    except (amqp.AMQPError, OSError) as error:
        raise _cut(error, loader, connections) from error
    finally:
        line.close()


class Loader:
    """Sends messages over one line."""

    def __init__(self, line: Line, on_outcome: Callable[[int, Failed | None], None]) -> None:
        self._line, self._on_outcome = line, on_outcome
        self._number = 0
        self._under_way: dict[int, _Sent] = {}
        """The messages that are not confirmed, by their numbers, in their order."""
        self._bytes = 0
        self._returned: dict[int, str] = {}
        self._unsent = bytearray()
        self.last: Outgoing | None = None

    @property
    def first_open_line(self) -> int | None:
        """The line of the first message that is not confirmed; None if all are."""
        return next((sent.line for sent in self._under_way.values()), None)

    def publish(self, message: Outgoing) -> None:
        """Send a message, as soon as few enough are under way."""
        sending, line = message.sending, self._line
        exchange = sending.exchange.encode(errors="surrogateescape")
        key = sending.routing_key.encode(errors="surrogateescape")
        content = frames.content(line.channel, sending.encoded, message.body, line.frame_max)
        self._number += 1
        self._under_way[self._number] = _Sent(message.line, exchange, key, content)
        self._bytes += len(content)
        self.last = message
        self._unsent += frames.publish(line.channel, exchange, key) + content
        if len(self._unsent) >= _PIECE:
            self._send()
            self._take(_NOW)
        while len(self._under_way) >= _MAX_UNDER_WAY or self._bytes >= _MAX_BYTES_UNDER_WAY:
            self._send()
            self._take()

    def settle(self) -> None:
        """Wait until all messages are confirmed."""
        self._send()
        while self._under_way:
            self._take()

    def _send(self) -> None:
        unsent, self._unsent = self._unsent, bytearray()
        if unsent:
            self._line.send(bytes(unsent))

    def _take(self, timeout: float | None = None) -> None:
        for event in self._line.receive(timeout):
            if isinstance(event, Arrived):
                self._on_return(event)
            elif event.id in (frames.ACKED, frames.NACKED):
                tag, flags = unpack_from(">QB", event.arguments)
                self._on_confirm(tag, is_multiple=bool(flags & 1), is_taken=event.id == frames.ACKED)

    def _on_return(self, event: Arrived) -> None:
        """Note the message that reached no queue; a return does not tell its number."""
        _, why = frames.reply_of(event.arguments)
        for number in self._candidates(event):
            self._returned[number] = f"it reached no queue ({why})"
            return

    def _candidates(self, event: Arrived) -> Iterator[int]:
        """Yield the messages that a return may mean, the likeliest first: RabbitMQ may re-encode headers."""
        at = 3 + event.arguments[2]
        end = at + 1 + event.arguments[at]
        exchange, key = event.arguments[at + 1 : end], event.arguments[end + 1 : end + 1 + event.arguments[end]]
        body = frames.split_content(event.content)[1]
        open_ones = [
            (number, sent)
            for number, sent in self._under_way.items()
            if number not in self._returned and (sent.exchange, sent.routing_key) == (exchange, key)
        ]
        yield from (number for number, sent in open_ones if sent.content == event.content)
        yield from (number for number, sent in open_ones if frames.split_content(sent.content)[1] == body)
        yield from (number for number, _ in open_ones)

    def _on_confirm(self, tag: int, *, is_multiple: bool, is_taken: bool) -> None:
        numbers = [tag]
        if is_multiple:
            numbers = []
            for number in self._under_way:
                if number > tag:
                    break
                numbers.append(number)
        for number in numbers:
            sent = self._under_way.pop(number)
            self._bytes -= len(sent.content)
            why = self._returned.pop(number, None)
            if not is_taken:
                why = "RabbitMQ did not take it (nack): the queue is full, or its node is down"
            if why is None:
                JOURNAL.note("published", "message")
            self._on_outcome(sent.line, None if why is None else Failed(sent.line, why))


def _cut(error: Exception, loader: Loader, connections: Connections) -> BrokerError:
    """Return the error for a connection or channel that was closed."""
    settings = connections.settings
    if not isinstance(error, amqp.ChannelError) or loader.last is None:
        return faults.from_amqp_connect(error, settings)
    refusal, sending = refusal_of(error), loader.last.sending
    if refusal.code is Code.FORBIDDEN:
        hint = write_hint(sending.exchange, sending.routing_key, settings)
        return AccessRefused(refusal.text, hint=hint)
    return RequestRefused(refusal.text)
