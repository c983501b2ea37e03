"""A line that the broker closes while this side sends: it says why."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import cast

import amqp
import pytest

from attune_infra.broker.amqp.lanes import Connection
from attune_infra.broker.moving import frames
from attune_infra.broker.moving.line import Line

REASON = b"CONNECTION_FORCED - Node was put into maintenance mode"
CLOSE = (320).to_bytes(2, "big") + frames.short_string(REASON) + bytes(4)


@contextmanager
def closed_line(last_words: bytes) -> Iterator[Line]:
    """Yield a line whose other end has said something, and closed."""
    ours, theirs = socket.socketpair()
    theirs.sendall(last_words)
    theirs.close()
    channel = SimpleNamespace(channel_id=1, tx_select=lambda: None)
    transport = SimpleNamespace(sock=ours, _read_buffer=b"")
    connection = SimpleNamespace(channel=lambda: channel, frame_max=4096, transport=transport)
    with ours:
        yield Line(cast(Connection, connection), timeout=1)


def test_sending_raises_why_the_broker_closed_the_connection() -> None:
    words = frames.method(0, *frames.CONNECTION_CLOSED, CLOSE)
    with closed_line(words) as line, pytest.raises(amqp.ConnectionForced, match="maintenance mode"):
        line.send(b"x")


def test_sending_raises_that_the_connection_broke_when_the_broker_said_nothing() -> None:
    with closed_line(b"") as line, pytest.raises(BrokenPipeError):
        line.send(b"x")
