"""Frames of AMQP 0-9-1 as bytes: cut the broker's stream into methods and messages, and build those to send.

A message that only passes through is never decoded. Its content frames go on as they came, so that every property
keeps its type and width, and a message costs microseconds.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from struct import Struct, unpack_from
from typing import Final, NamedTuple

FRAME_END: Final = b"\xce"
_END: Final = FRAME_END[0]
_OVERHEAD: Final = 8
"""Bytes of a frame around its payload."""
_METHOD, _HEADER, _BODY = 1, 2, 3
_FRAME: Final = Struct(">BHI")
_CONTENT: Final = Struct(">HHQ")
_LONG: Final = Struct(">Q")
_ACK: Final = Struct(">BHIHHQ2s")
_ACK_BYTES: Final = 13
_SINGLE, _MULTIPLE = b"\0" + FRAME_END, b"\1" + FRAME_END
_CLASS_BASIC: Final = 60
_REPLY: Final = 3
"""Bytes of a reply code, and of the length of the text behind it."""

DELIVER: Final = (60, 60)
RETURN: Final = (60, 50)
GOT: Final = (60, 71)
GOT_NOTHING: Final = (60, 72)
ACKED: Final = (60, 80)
NACKED: Final = (60, 120)
CANCELLED: Final = (60, 30)
CANCEL_DONE: Final = (60, 31)
CONSUMED: Final = (60, 21)
COMMITTED: Final = (90, 21)
DECLARED: Final = (50, 11)
CHANNEL_CLOSED: Final = (20, 40)
CONNECTION_CLOSED: Final = (10, 50)
_WITH_CONTENT: Final = frozenset({DELIVER, RETURN, GOT})
BLOCKED: Final = (10, 60)
UNBLOCKED: Final = (10, 61)


_MAX_FRAME: Final = 1 << 20
"""Bytes of a frame; the limit that both sides agree on is far lower."""
_MAX_BODY: Final = 1 << 29
"""Bytes of a message, RabbitMQ's own limit."""
_SMALLEST: Final = {_METHOD: 4, _HEADER: 14}


class BadFrame(ConnectionError):
    """Bytes that are no frame of AMQP: from then on, nothing on the connection can be read."""


class Method(NamedTuple):
    """A method without content."""

    id: tuple[int, int]
    arguments: bytes


class Arrived(NamedTuple):
    """A message that was delivered or returned: the arguments of its method, and its content frames."""

    method: tuple[int, int]
    arguments: bytes
    content: bytes


class Envelope(NamedTuple):
    """The arguments of `basic.deliver`, or of `basic.get-ok`, which names no consumer."""

    consumer: bytes
    tag: int
    redelivered: bool
    exchange: bytes
    routing_key: bytes


class Splitter:
    """Cuts a stream of bytes into methods and whole messages. Heartbeats are left out. Others are a `BadFrame`.

    Contents of several channels at a time are not expected: one channel is in use.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0
        self._missing = 0
        self._method: tuple[tuple[int, int], bytes] | None = None
        self._content_at = 0

    def feed(self, data: bytes) -> list[Method | Arrived]:
        """Take the next bytes; return what is complete now."""
        complete: list[Method | Arrived] = []
        self._buffer += data
        buffer, at, done = self._buffer, self._at, 0
        size_of_buffer = len(buffer)
        while size_of_buffer - at >= _OVERHEAD:
            kind, _, size = _FRAME.unpack_from(buffer, at)
            end = at + size + _OVERHEAD
            if end > size_of_buffer and size <= _MAX_FRAME:
                break
            if size > _MAX_FRAME or buffer[end - 1] != _END or size < _SMALLEST.get(kind, 0):
                raise _bad_frame(kind, size)
            if kind == _METHOD:
                found = (buffer[at + 7] << 8 | buffer[at + 8], buffer[at + 9] << 8 | buffer[at + 10])
                arguments = bytes(buffer[at + 11 : end - 1])
                if found in _WITH_CONTENT:
                    self._method, self._content_at = (found, arguments), end
                else:
                    complete.append(Method(found, arguments))
                    done = end
            elif kind in (_HEADER, _BODY):
                self._count(kind, at, size)
            at = end
            if kind in (_HEADER, _BODY) and self._missing == 0 and self._method is not None:
                complete.append(Arrived(*self._method, bytes(buffer[self._content_at : end])))
                self._method, done = None, end
            elif self._method is None:
                done = end
        del buffer[:done]
        self._at = at - done
        self._content_at -= done
        return complete

    def _count(self, kind: int, at: int, size: int) -> None:
        """Note the bytes of a body that are still to come."""
        self._missing = _LONG.unpack_from(self._buffer, at + 11)[0] if kind == _HEADER else self._missing - size
        if not 0 <= self._missing <= _MAX_BODY:
            raise _bad_frame(kind, size)


def _bad_frame(kind: int, size: int) -> BadFrame:
    return BadFrame(f"the server sent bytes that are no frame of AMQP 0-9-1 (type {kind}, {size} bytes)")


def envelope_of(event: Arrived) -> Envelope:
    arguments = event.arguments
    try:
        at = 1 + arguments[0] if event.method == DELIVER else 0
        consumer = arguments[1:at]
        tag = _LONG.unpack_from(arguments, at)[0]
        redelivered = bool(arguments[at + 8])
        at += 9
        end = at + 1 + arguments[at]
        exchange = arguments[at + 1 : end]
        key_end = end + 1 + arguments[end]
    except (IndexError, struct.error) as error:
        raise _bad_frame(_METHOD, len(arguments)) from error
    return Envelope(consumer, tag, redelivered, exchange, arguments[end + 1 : key_end])


def counts_of(declared: Method) -> tuple[int, int]:
    """Return the ready messages and the consumers of `queue.declare-ok`."""
    try:
        ready, consumers = unpack_from(">II", declared.arguments, 1 + declared.arguments[0])
    except (IndexError, struct.error) as error:
        raise _bad_frame(_METHOD, len(declared.arguments)) from error
    return ready, consumers


def reply_of(arguments: bytes) -> tuple[int, str]:
    """Read reply code and text, with which `close` and `return` begin."""
    if len(arguments) < _REPLY:
        raise _bad_frame(_METHOD, len(arguments))
    return arguments[0] << 8 | arguments[1], arguments[3 : 3 + arguments[2]].decode(errors="replace")


def short_string(text: bytes) -> bytes:
    return bytes((len(text),)) + text


def frame(kind: int, channel: int, payload: bytes) -> bytes:
    return _FRAME.pack(kind, channel, len(payload)) + payload + FRAME_END


def method(channel: int, class_id: int, method_id: int, arguments: bytes = b"") -> bytes:
    return frame(_METHOD, channel, bytes((0, class_id, 0, method_id)) + arguments)


@lru_cache(maxsize=1024)
def publish(channel: int, exchange: bytes, routing_key: bytes) -> bytes:
    """Return `basic.publish`, mandatory; the content frames follow."""
    return method(channel, _CLASS_BASIC, 40, b"\0\0" + short_string(exchange) + short_string(routing_key) + b"\1")


def ack(channel: int, tag: int) -> bytes:
    return _ACK.pack(_METHOD, channel, _ACK_BYTES, _CLASS_BASIC, 80, tag, _SINGLE)


def ack_up_to(channel: int, tag: int) -> bytes:
    return _ACK.pack(_METHOD, channel, _ACK_BYTES, _CLASS_BASIC, 80, tag, _MULTIPLE)


def requeue_up_to(channel: int, tag: int) -> bytes:
    """Return `basic.nack`, which gives everything up to a delivery tag back to its queue."""
    return method(channel, _CLASS_BASIC, 120, _LONG.pack(tag) + b"\3")


def cancel(channel: int, consumer: bytes) -> bytes:
    return method(channel, _CLASS_BASIC, 30, short_string(consumer) + b"\0")


def commit(channel: int) -> bytes:
    return method(channel, 90, 20)


def content(channel: int, properties: bytes, body: bytes, frame_max: int) -> bytes:
    """Return the content frames of a message; `properties` are its flags and values as AMQP encodes them."""
    parts = [frame(_HEADER, channel, _CONTENT.pack(_CLASS_BASIC, 0, len(body)) + properties)]
    room = frame_max - _OVERHEAD
    parts += (frame(_BODY, channel, body[at : at + room]) for at in range(0, len(body), room))
    return b"".join(parts)


def split_content(content: bytes) -> tuple[bytes, bytes]:
    """Return the properties, as AMQP encodes them, and the body of content frames."""
    _, _, size = _FRAME.unpack_from(content, 0)
    end = size + _OVERHEAD
    properties, parts = content[19 : end - 1], []
    while end < len(content):
        _, _, size = _FRAME.unpack_from(content, end)
        parts.append(content[end + 7 : end + 7 + size])
        end += size + _OVERHEAD
    return properties, b"".join(parts)


def with_properties(content: bytes, properties: bytes) -> bytes:
    """Return content frames with other properties, and the body as it is."""
    _, channel, size = _FRAME.unpack_from(content, 0)
    return frame(_HEADER, channel, content[7:19] + properties) + content[size + _OVERHEAD :]
