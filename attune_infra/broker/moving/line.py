"""One channel in AMQP transactions, or with confirms, on a connection of its own, written and read as bytes."""

from __future__ import annotations

import select
import ssl
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import amqp

from attune_infra.broker.amqp.connection import Amqp
from attune_infra.broker.amqp.lanes import Connection
from attune_infra.broker.failures import faults
from attune_infra.broker.failures.alarm import Blocked
from attune_infra.broker.moving import frames
from attune_infra.broker.moving.frames import Arrived, Method, Splitter

if TYPE_CHECKING:
    from attune_infra.settings import Settings

_PIECE: Final = 1 << 18
_PIECES_AT_ONCE: Final = 16
_WOULD_BLOCK: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


def confirming_line(settings: Settings) -> Line:
    """Return a line over a connection of its own; raise `BrokerError` if there is none."""
    connection = Amqp(settings).take_connection()
    try:
        return Line(connection, timeout=settings.timeout, confirms=True)
    except (amqp.AMQPError, OSError) as error:
        connection.collect()
        raise faults.from_amqp_connect(error, settings) from error


class Line:
    """A connection that py-amqp has opened, and that only this class uses from then on.

    Sending never waits for a broker that itself waits to be read: both directions go on at once.
    """

    def __init__(self, connection: Connection, *, timeout: float, confirms: bool = False) -> None:
        channel = connection.channel()
        if confirms:
            channel.confirm_select()
        else:
            channel.tx_select()
        self.channel: int = channel.channel_id
        self.frame_max: int = connection.frame_max
        self.timeout, self._connection = timeout, connection
        self._socket = connection.transport.sock
        self._socket.setblocking(False)
        self._splitter = Splitter()
        self._events = self._splitter.feed(connection.transport._read_buffer)  # noqa: SLF001 # what TLS has read ahead
        self.blocked: str | None = None
        """The alarm because of which the broker takes no messages now; None if it takes them."""

    def send(self, data: bytes) -> None:
        """Send bytes; raise `TimeoutError` if the broker takes none of them for the time-out.

        Raise what the broker complained of before it closed the connection, if it did; else `ConnectionError`.
        """
        left = memoryview(data)
        while left:
            try:
                left = left[self._socket.send(left) :]
            except _WOULD_BLOCK:
                self._wait(writing=True)
                self._read()
            except ConnectionError:
                self._raise_last_words()
                raise

    def receive(self, timeout: float | None = None) -> list[Method | Arrived]:
        """Return what has arrived; wait for it, at most as long as the time-out.

        Raise what the broker complains of. With a `timeout` in seconds, return nothing if nothing arrives in it.
        """
        self._read()
        if not self._events and self._wait(timeout):
            self._read()
        events, self._events = self._events, []
        for event in events:
            if isinstance(event, Method):
                self._look(event)
        return events

    def declare_passively(self, queue: str) -> None:
        """Ask for the numbers of a queue; `queue.declare-ok` follows."""
        arguments = b"\0\0" + frames.short_string(queue.encode()) + b"\1" + b"\0\0\0\0"
        self.send(frames.method(self.channel, 50, 10, arguments))

    def consume(
        self, queue: str, tag: bytes, prefetch: int, *, exclusive: bool = False, offset: bytes = b""
    ) -> None:
        """Consume a queue; `offset` is the argument, encoded, that says at which message of a stream to begin."""
        self.send(frames.method(self.channel, 60, 10, b"\0\0\0\0" + prefetch.to_bytes(2, "big") + b"\0"))
        flags = bytes((0b100 if exclusive else 0,))
        table = len(offset).to_bytes(4, "big") + offset
        names = frames.short_string(queue.encode()) + frames.short_string(tag)
        self.send(frames.method(self.channel, 60, 20, b"\0\0" + names + flags + table))

    def get(self, queue: str, times: int) -> None:
        """Take messages one by one; `basic.get-ok` or `basic.get-empty` follows for each time."""
        arguments = b"\0\0" + frames.short_string(queue.encode()) + b"\0"
        self.send(frames.method(self.channel, 60, 70, arguments) * times)

    def close(self) -> None:
        """Drop the connection; the broker returns what was not acknowledged."""
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
            self._events += self._splitter.feed(data)
            if len(data) < _PIECE and not isinstance(self._socket, ssl.SSLSocket):
                return

    def _raise_last_words(self) -> None:
        with suppress(OSError):
            self._read()
        for event in self._events:
            if isinstance(event, Method):
                self._look(event)

    def _wait(self, timeout: float | None = None, *, writing: bool = False) -> bool:
        """Wait until something arrives, or can be written; return False after the given time-out."""
        end = time.monotonic() + (self.timeout if timeout is None else timeout)
        while (left := end - time.monotonic()) > 0:
            readable, writable, _ = select.select([self._socket], [self._socket] if writing else [], [], left)
            if readable or writable:
                return True
        if timeout is None:
            if self.blocked is not None:
                raise Blocked(self.blocked)
            raise TimeoutError(f"RabbitMQ did not answer within {self.timeout:g} s")
        return False

    def _look(self, event: Method) -> None:
        """Raise what the broker complains of."""
        match event.id:
            case frames.CHANNEL_CLOSED | frames.CONNECTION_CLOSED:
                code, text = frames.reply_of(event.arguments)
                raise amqp.exceptions.error_for_code(code, text, event.id, amqp.ChannelError)
            case frames.CANCELLED:
                raise amqp.NotFound("the queue was deleted while it was read", (60, 30))
            case frames.BLOCKED:
                self.blocked = event.arguments[1:].decode(errors="replace")
            case frames.UNBLOCKED:
                self.blocked = None
