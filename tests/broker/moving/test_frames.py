"""Frames cut out of a stream of bytes, wherever the pieces end."""

from __future__ import annotations

import pytest

from attune_infra.broker.moving import frames
from attune_infra.broker.moving.frames import Arrived, Method, Splitter, envelope_of, split_content

PROPERTIES = b"\x10\x00\x02"
DELIVER = b"\x01s" + (7).to_bytes(8, "big") + b"\x01" + frames.short_string(b"ex") + frames.short_string(b"key")


def delivery(body: bytes) -> bytes:
    return frames.method(1, *frames.DELIVER, DELIVER) + frames.content(1, PROPERTIES, body, 4096)


STREAM = delivery(b"") + frames.method(1, *frames.COMMITTED) + delivery(b"x" * 10_000) + delivery(b"last")


@pytest.mark.parametrize("size", [1, 2, 7, 100, 4096, len(STREAM)])
def test_each_message_is_found_whole(size: int) -> None:
    splitter, found = Splitter(), list[Method | Arrived]()
    for at in range(0, len(STREAM), size):
        found += splitter.feed(STREAM[at : at + size])

    assert [type(each) for each in found] == [Arrived, Method, Arrived, Arrived]
    bodies = [split_content(each.content) for each in found if isinstance(each, Arrived)]
    assert bodies == [(PROPERTIES, b""), (PROPERTIES, b"x" * 10_000), (PROPERTIES, b"last")]


def test_a_delivery_says_where_the_message_came_from() -> None:
    [arrived] = Splitter().feed(delivery(b"body"))
    assert isinstance(arrived, Arrived)

    envelope = envelope_of(arrived)

    assert (envelope.consumer, envelope.tag, envelope.redelivered) == (b"s", 7, True)
    assert (envelope.exchange, envelope.routing_key) == (b"ex", b"key")


def test_properties_are_replaced_and_the_body_stays() -> None:
    content = frames.content(1, PROPERTIES, b"x" * 10_000, 4096)

    changed = frames.with_properties(content, b"\x10\x00\x01")

    assert split_content(changed) == (b"\x10\x00\x01", b"x" * 10_000)
