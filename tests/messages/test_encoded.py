"""Properties as AMQP encodes them, held against py-amqp's encoding."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import amqp
import pytest

from attune_infra.messages import encoded

HEADERS = {"a": 1, "t": "text", "nested": {"deep": [1, "two", {"x": True}]}, "none": None, "long": 1 << 40}


MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def encode(**properties: Any) -> bytes:
    """Encode properties as py-amqp does."""
    return bytes(amqp.Message("", **properties)._serialize_properties())


def test_each_property_is_decoded() -> None:
    properties = {
        "content_type": "text/plain",
        "content_encoding": "utf-8",
        "delivery_mode": 2,
        "priority": 9,
        "correlation_id": "c",
        "reply_to": "r",
        "expiration": "1000",
        "message_id": "m",
        "timestamp": int(MOMENT.timestamp()),
        "type": "t",
        "user_id": "u",
        "app_id": "a",
    }

    found = encoded.decode(encode(**properties, application_headers=HEADERS))

    assert found == {**properties, "headers": HEADERS, "timestamp": MOMENT}


@pytest.mark.parametrize("others", [{}, {"content_type": "text/plain", "message_id": "m", "user_id": "guest"}])
def test_a_header_is_added_and_removed(others: dict[str, str]) -> None:
    before = encode(**others)

    after = encoded.with_header(before, b"mark", b"t\x01")

    assert encoded.decode(after) == {**others, "headers": {"mark": True}}
    assert encoded.without_headers(after, {b"mark"}) == before


def test_other_headers_stay_as_they_are() -> None:
    before = encode(application_headers={"x-delivery-count": 3, **HEADERS})

    after = encoded.without_headers(before, encoded.COUNTS)

    assert after == encode(application_headers=HEADERS)


def test_the_user_is_found_and_removed() -> None:
    before = encode(content_type="text/plain", user_id="guest", app_id="a")

    assert encoded.user_id_of(before) == b"guest"
    assert encoded.without_user_id(before) == encode(content_type="text/plain", app_id="a")
    assert encoded.user_id_of(encode(app_id="a")) is None


def test_a_time_in_milliseconds_stays_a_number() -> None:
    milliseconds = 1_700_000_000_000_000
    before = b"\x00\x40" + milliseconds.to_bytes(8, "big")

    assert encoded.decode(before) == {"timestamp": milliseconds}
