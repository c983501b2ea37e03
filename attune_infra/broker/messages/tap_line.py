"""The channel of a tap, written and read as bytes, so that a message costs microseconds."""

from __future__ import annotations

import select
import ssl
import time
from contextlib import suppress
from typing import Final

import amqp

from attune_infra.broker.moving import frames
from attune_infra.broker.moving.frames import Arrived, Method, Splitter
from attune_infra.broker.moving.intake import stored
from attune_infra.messages.tapped import Delivered

_HEARTBEAT_FRAME: Final = frames.frame(8, 0, b"")
_CLOSE: Final = frames.method(0, 10, 50, b"\0\xc8\0\0\0\0\0")
_PIECE: Final = 1 << 18
_PIECES_AT_ONCE: Final = 8
_WOULD_BLOCK: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_TAG: Final = b"tap"


class TapLine:
    """A channel that py-amqp has opened, and that only this class uses from then on."""

    def __init__(self, channel: amqp.Channel) -> None:
        self._connection, self._channel = channel.connection, channel.channel_id
        self._heartbeat = float(self._connection.heartbeat)
        self._socket = self._connection.transport.sock
        self._socket.setblocking(False)
        self._splitter = Splitter()
        self._events = self._splitter.feed(self._connection.transport._read_buffer)  # noqa: SLF001 # already read
        self._heard_at = self._sent_at = time.monotonic()
        self._last_tag = self._acknowledged = 0
        self._purged, self._purging = 0, 0
        self._consumes = self._is_closed = False
        self._early: list[Delivered] = []
        self.ready: dict[str, int] = {}
        """The number of messages in each queue that was asked for."""

    @property
    def unacknowledged(self) -> int:
        return self._last_tag - self._acknowledged

    @property
    def is_purging(self) -> bool:
        return self._purging > 0

    def fileno(self) -> int:
        return int(self._socket.fileno())

    def take_purged(self) -> int:
        """Return the number of messages purged since the last call."""
        purged, self._purged = self._purged, 0
        return purged

    def consume(self, queue: str, held: int, *, timeout: float) -> None:
        """Consume a queue; so many messages may be delivered and not yet acknowledged."""
        end = time.monotonic() + timeout
        self._send(frames.method(self._channel, 60, 10, b"\0\0\0\0" + held.to_bytes(2, "big") + b"\0"))
        names = frames.short_string(queue.encode()) + frames.short_string(_TAG)
        self._send(frames.method(self._channel, 60, 20, b"\0\0" + names + b"\0" + b"\0\0\0\0"))
        while not self._consumes:
            if time.monotonic() > end:
                raise TimeoutError("no answer in time")
            self.wait(end - time.monotonic())
            self._early = self.receive()

    def ask_ready(self, queue: str) -> None:
        """Ask for the number of messages in a queue, which will be in `ready`."""
        arguments = b"\0\0" + frames.short_string(queue.encode()) + b"\1" + b"\0\0\0\0"
        self._send(frames.method(self._channel, 50, 10, arguments))

    def purge(self, queue: str) -> None:
        self._send(frames.method(self._channel, 50, 30, b"\0\0" + frames.short_string(queue.encode()) + b"\0"))
        self._purging += 1

    def acknowledge(self, tag: int) -> None:
        """Acknowledge all messages up to this one."""
        if tag > self._acknowledged:
            self._acknowledged = tag
            self._send(frames.method(self._channel, 60, 80, tag.to_bytes(8, "big") + b"\1"))

    def receive(self) -> list[Delivered]:
        """Return the messages that have arrived, without waiting; raise what the broker complains of."""
        self._read()
        events, self._events = self._events, []
        delivered, self._early = self._early, []
        for event in events:
            if isinstance(event, Arrived):
                delivered.append(_message_of(event))
            else:
                self._heed(event)
        if delivered:
            self._last_tag = delivered[-1].tag
        return delivered

    def keep_alive(self) -> None:
        """Send a heartbeat if it is time to; raise `ConnectionResetError` if the broker sends none."""
        now = time.monotonic()
        if now - self._heard_at > 2 * self._heartbeat:
            raise ConnectionResetError("the broker has sent no heartbeat")
        if now - self._sent_at > self._heartbeat / 2:
            self._send(_HEARTBEAT_FRAME)

    def wait(self, seconds: float) -> None:
        """Wait until something has arrived, at most so long."""
        select.select([self._socket], [], [], max(seconds, 0))

    def close(self, seconds: float) -> None:
        """Close the connection, and wait until the broker has deleted the private queues, at most so long."""
        end = time.monotonic() + seconds
        with suppress(amqp.AMQPError, OSError):
            self._send(_CLOSE)
            while not self._is_closed and time.monotonic() < end:
                self.wait(end - time.monotonic())
                self.receive()
        with suppress(OSError):
            self._socket.setblocking(True)
        self._connection.collect()

    def _read(self) -> None:
        """Take what is there, without waiting."""
        for _ in range(_PIECES_AT_ONCE):
            try:
                data = self._socket.recv(_PIECE)
            except _WOULD_BLOCK:
                return
            if not data:
                raise ConnectionResetError("the broker closed the connection")
            self._heard_at = time.monotonic()
            self._events += self._splitter.feed(data)

    def _send(self, data: bytes) -> None:
        """Send bytes; raise `TimeoutError` if the broker takes none of them while it should send a heartbeat."""
        left, end = memoryview(data), time.monotonic() + 2 * self._heartbeat
        while left:
            try:
                left = left[self._socket.send(left) :]
            except _WOULD_BLOCK:
                if time.monotonic() > end:
                    raise TimeoutError("the broker reads nothing") from None
                select.select([self._socket], [self._socket], [], self._heartbeat)
                self._read()
        self._sent_at = time.monotonic()

    def _heed(self, event: Method) -> None:
        """Take an answer; raise what the broker complains of."""
        arguments = event.arguments
        match event.id:
            case (50, 11):
                end = 1 + arguments[0]
                self.ready[arguments[1:end].decode()] = int.from_bytes(arguments[end : end + 4], "big")
            case (50, 31):
                self._purged += int.from_bytes(arguments[:4], "big")
                self._purging -= 1
            case frames.CONSUMED:
                self._consumes = True
            case (10, 51):
                self._is_closed = True
            case frames.CHANNEL_CLOSED | frames.CONNECTION_CLOSED:
                code, text = frames.reply_of(arguments)
                raise amqp.exceptions.error_for_code(code, text, event.id, amqp.ChannelError)
            case frames.CANCELLED:
                raise amqp.NotFound("its queue was deleted", (60, 30))


def _message_of(event: Arrived) -> Delivered:
    envelope = frames.envelope_of(event)
    return Delivered(envelope.tag, stored(envelope, event.content))
