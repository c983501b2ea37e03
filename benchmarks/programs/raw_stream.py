"""Send declarations or deletions over a bare socket without waiting, and ask each channel once at the end.

Nothing is validated, retried or explained: this is the time that the broker itself takes. Exchanges go first, over
one channel. Then the queues, each followed by its bindings, are dealt out over up to 16 channels, on which the
broker works in parallel. The question at the end is to close the channel: the broker answers when it has done all
that was sent before, and answers otherwise if it refused something.

With `delete`, it deletes the queues in the same way, those that are empty and unused.

Usage: raw_stream.py DOCUMENT AMQP_URL [delete]
"""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from struct import pack, unpack
from typing import Any
from urllib.parse import unquote, urlsplit

MAX_CHANNELS = 16
QUEUES_PER_CHANNEL = 8
"""Opening a channel costs about as much as this many declarations."""
NO_WAIT_BIND = 1
DURABLE, AUTO_DELETE = 0b00010, 0b01000
NO_WAIT_DECLARE = 0b10000
NO_WAIT_DELETE_IF_EMPTY_AND_UNUSED = 0b111
AUTO_DELETE_EXCHANGE = 0b00100
CHANNEL_OPENED, CHANNEL_CLOSED, CONNECTION_STARTED, CONNECTION_CLOSED = (20, 11), (20, 41), (10, 10), (10, 51)


def short(text: str) -> bytes:
    data = text.encode()
    return pack(">B", len(data)) + data


def long(data: bytes) -> bytes:
    return pack(">I", len(data)) + data


def table(entries: Mapping[str, Any]) -> bytes:
    """Encode strings, integers and booleans; the documents hold no other values."""
    return long(b"".join(short(name) + _field(value) for name, value in entries.items()))


def _field(value: Any) -> bytes:
    match value:
        case bool():
            return pack(">cB", b"t", value)
        case int():
            return pack(">cq", b"l", value)
        case _:
            return b"S" + long(str(value).encode())


def method(channel: int, numbers: tuple[int, int], arguments: bytes = b"") -> bytes:
    payload = pack(">HH", *numbers) + arguments
    return pack(">BHI", 1, channel, len(payload)) + payload + b"\xce"


class Line:
    """A connection to the broker, after the handshake."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.unread = self.socket.makefile("rb")
        self.socket.sendall(b"AMQP\0\0\x09\x01")
        self.expect(CONNECTION_STARTED)
        login = long(f"\0{parts.username}\0{parts.password}".encode())
        self.socket.sendall(method(0, (10, 11), table({}) + short("PLAIN") + login + short("en_US")))
        limits = self.expect((10, 30))[:8]
        virtual_host = short(unquote(parts.path[1:]))
        self.socket.sendall(
            method(0, (10, 31), limits[:6] + b"\0\0") + method(0, (10, 40), virtual_host + b"\0\0")
        )
        self.expect((10, 41))

    def expect(self, *numbers: tuple[int, int]) -> bytes:
        """Return the arguments of the next method, which has to be one of these; exit if it is another."""
        kind, _, size = unpack(">BHI", self.unread.read(7))
        payload = self.unread.read(size + 1)[:-1]
        if kind != 1 or unpack(">HH", payload[:4]) not in numbers:
            sys.exit(f"the broker answered {payload!r}")
        return payload[4:]

    def stream(self, parts: Iterable[bytes], first: int) -> None:
        """Send each part over a channel of its own, and return when the broker has done all of it."""
        channels = [
            (method(number, (20, 10), short("")) + sent + method(number, (20, 40), pack(">HBHH", 200, 0, 0, 0)))
            for number, sent in enumerate(parts, start=first)
        ]
        self.socket.sendall(b"".join(channels))
        for _ in channels:
            self.expect(CHANNEL_OPENED, CHANNEL_CLOSED)
            self.expect(CHANNEL_OPENED, CHANNEL_CLOSED)

    def close(self) -> None:
        self.socket.sendall(method(0, (10, 50), pack(">HBHH", 200, 0, 0, 0)))
        self.expect(CONNECTION_CLOSED)


def exchange(channel: int, item: Mapping[str, Any]) -> bytes:
    flags = NO_WAIT_DECLARE | DURABLE * item["durable"] | AUTO_DELETE_EXCHANGE * item["auto_delete"]
    named = short(item["name"]) + short(item["type"])
    return method(channel, (40, 10), b"\0\0" + named + pack(">B", flags) + table(item["arguments"]))


def queue(channel: int, item: Mapping[str, Any]) -> bytes:
    flags = NO_WAIT_DECLARE | DURABLE * item["durable"] | AUTO_DELETE * item["auto_delete"]
    return method(channel, (50, 10), b"\0\0" + short(item["name"]) + pack(">B", flags) + table(item["arguments"]))


def binding(channel: int, item: Mapping[str, Any]) -> bytes:
    ends = short(item["destination"]) + short(item["source"]) + short(item["routing_key"])
    return method(channel, (50, 20), b"\0\0" + ends + pack(">B", NO_WAIT_BIND) + table(item["arguments"]))


def deletion(channel: int, item: Mapping[str, Any]) -> bytes:
    flags = pack(">B", NO_WAIT_DELETE_IF_EMPTY_AND_UNUSED)
    return method(channel, (50, 40), b"\0\0" + short(item["name"]) + flags)


def declarations(objects: Mapping[str, Any]) -> Callable[[int, Mapping[str, Any]], bytes]:
    """Return the function that declares a queue and then its bindings."""
    bindings: dict[str, list[Mapping[str, Any]]] = {}
    for item in objects["bindings"]:
        bindings.setdefault(item["destination"], []).append(item)

    def declare(channel: int, item: Mapping[str, Any]) -> bytes:
        return queue(channel, item) + b"".join(binding(channel, each) for each in bindings.get(item["name"], ()))

    return declare


def deal_out(
    queues: Sequence[Mapping[str, Any]], order: Callable[[int, Mapping[str, Any]], bytes], first: int
) -> list[bytes]:
    """Return the orders of each channel."""
    count = min(MAX_CHANNELS, 1 + len(queues) // QUEUES_PER_CHANNEL)
    return [
        b"".join(order(channel, item) for item in queues[channel - first :: count])
        for channel in range(first, first + count)
    ]


def main(document: str, url: str, deletes: str = "") -> None:
    objects = json.loads(Path(document).read_text(encoding="utf-8"))
    line = Line(url)
    if deletes:
        line.stream(deal_out(objects["queues"], deletion, first=1), first=1)
    else:
        line.stream([b"".join(exchange(1, item) for item in objects["exchanges"])], first=1)
        line.stream(deal_out(objects["queues"], declarations(objects), first=2), first=2)
    line.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
