"""Messages in a file, one a line."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import amqp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attune_infra.errors import InvalidInput
from attune_infra.messages import encoding
from attune_infra.messages.encoded import Value, decode
from attune_infra.messages.jsonl import format_line, parse_line, read_lines
from attune_infra.messages.model import StoredMessage

EVERY_TYPE = (
    b"\x01bb\xff\x01BB\xff\x01ss\xff\xff\x01uu\xff\xff\x01II\xff\xff\xff\xff\x01ii\xff\xff\xff\xff"
    b"\x01ll\xff\xff\xff\xff\xff\xff\xff\xff\x01LL\xff\xff\xff\xff\xff\xff\xff\xff\x01ff\x3f\x80\x00\x00"
    b"\x01dd\x7f\xf8\x00\x00\x00\x00\x00\x00\x01tt\x01\x01TT\x00\x00\x00\x00\x00\x00\x00\x00\x01DD\x02\x00\x00\x00\x07"
    b"\x01VV\x01SS\x00\x00\x00\x01\xff\x01xx\x00\x00\x00\x02\x00\xff\x01AA\x00\x00\x00\x02t\x00\x01FF\x00\x00\x00\x03\x01vV"
)
"""A table with every type that RabbitMQ knows, in widths that py-amqp does not send."""

names = st.text(max_size=20).filter(lambda text: "\ud800" not in text)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.floats(allow_nan=False)
    | names
    | st.binary(max_size=9)
    | st.integers(0, 1 << 33).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=8
)


def message(encoded: bytes = b"\0\0", body: bytes = b"") -> StoredMessage:
    return StoredMessage(exchange="x", routing_key="k", redelivered=False, encoded=encoded, body=body)


def with_headers(table: bytes) -> bytes:
    return b"\x20\x00" + len(table).to_bytes(4, "big") + table


@given(st.binary(max_size=40), st.text(max_size=20), st.dictionaries(names, values, max_size=4))
def test_a_saved_message_comes_back_byte_for_byte(body: bytes, key: str, headers: dict[str, Value]) -> None:
    encoded = encoding.encode({"headers": headers, "message_id": key[:20], "priority": 3})
    saved = StoredMessage(exchange="é", routing_key=key, redelivered=True, encoded=encoded, body=body)

    line = format_line(saved)

    assert line.count(b"\n") == 1
    assert parse_line(line, "f:1") == saved


def test_every_type_and_text_comes_back() -> None:
    name = b"\xff".decode(errors="surrogateescape")
    saved = StoredMessage(
        exchange=name, routing_key=name, redelivered=False, encoded=with_headers(EVERY_TYPE), body=b"\xff"
    )

    assert encoding.is_whole(saved.encoded)
    assert parse_line(format_line(saved), "f:1") == saved


def test_a_line_can_be_read() -> None:
    properties = {"content_type": "text/plain", "timestamp": 0, "application_headers": {"tenant": "eu", "n": 1}}
    encoded = bytes(amqp.Message("", **properties)._serialize_properties())

    assert json.loads(format_line(message(encoded, "grün".encode()))) == {
        "exchange": "x",
        "routing_key": "k",
        "redelivered": False,
        "properties": {"content_type": "text/plain", "timestamp": "1970-01-01T00:00:00Z"},
        "headers": {"tenant": "eu", "n": 1},
        "body": "grün",
        "encoded": b64encode(encoded).decode(),
    }
    assert "grün".encode() in format_line(message(encoded, "grün".encode()))
    assert json.loads(format_line(message(body=b"\xff")))["body_base64"] == "/w=="


@given(st.dictionaries(names, values, max_size=5))
def test_encoded_headers_are_decoded_to_the_same(headers: dict[str, Value]) -> None:
    encoded = encoding.encode({"headers": headers})

    assert encoding.is_whole(encoded)
    assert decode(encoded) == {"headers": headers}


def test_a_line_may_be_written_by_hand() -> None:
    properties = {"message_id": "m1", "timestamp": "2026-01-31T12:00:00Z", "delivery_mode": 2, "priority": 9}
    headers: dict[str, Any] = {
        "tenant": "eu",
        "n": 1,
        "far": 1 << 40,
        "half": 0.5,
        "yes": True,
        "no": None,
        "l": ["a"],
    }

    found = parse_line(json.dumps({"properties": properties, "headers": headers, "body": "{}"}).encode(), "f:1")

    moment = datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert found.properties == {**properties, "timestamp": moment, "headers": headers}
    assert (found.exchange, found.routing_key, found.redelivered, found.body) == ("", "", False, b"{}")
    assert parse_line(b'{"body_base64": "/w=="}', "f:1") == StoredMessage(
        exchange="", routing_key="", redelivered=False, encoded=b"\0\0", body=b"\xff"
    )


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("", "not JSON: Expecting value at column 1"),
        ("[]", "expected an object, got an array"),
        ('{"body": "a"', "not JSON: Expecting ',' delimiter"),
        ('{"body": NaN}', "NaN is not JSON"),
        ('{"bdy": "a"}', "there is no key 'bdy'; did you mean 'body'?"),
        ("{}", "`body` is missing"),
        ('{"body": "a", "body_base64": "YQ=="}', "`body` and `body_base64` are given; give one of them"),
        ('{"body": {"a": 1}}', "body: expected a string, got an object; write JSON as a string too"),
        ('{"body_base64": "?"}', "body_base64 is not base64"),
        ('{"body_base64": 1}', "body_base64: expected a string in base64, got the integer 1"),
        ('{"body": "", "exchange": 1}', "exchange: expected a string, got the integer 1"),
        ('{"body": "", "routing_key": "' + "k" * 256 + '"}', "routing_key is longer than 255 bytes"),
        ('{"body": "", "headers": []}', "headers: expected an object, got an array"),
        (
            '{"body": "", "properties": {"mesage_id": "1"}}',
            "there is no property 'mesage_id'; did you mean 'message_id'?",
        ),
        ('{"body": "", "properties": {"headers": {}}}', "there is no property 'headers'; headers stand beside"),
        ('{"body": "", "properties": {"message_id": 1}}', "message_id must be a text"),
        (
            '{"body": "", "properties": {"message_id": "' + "m" * 256 + '"}}',
            "message_id has 256 bytes; AMQP allows 255",
        ),
        ('{"body": "", "properties": {"priority": 256}}', "priority must be a number from 0 to 255"),
        ('{"body": "", "properties": {"priority": true}}', "priority must be a number from 0 to 255"),
        ('{"body": "", "properties": {"timestamp": "soon"}}', "timestamp: 'soon' is no time"),
        ('{"body": "", "properties": {"timestamp": -1}}', "timestamp must be a time, or seconds since 1970"),
        ('{"body": "", "headers": {"n": 9223372036854775808}}', "header n: 9223372036854775808 does not fit"),
        ('{"body": "", "headers": {"' + "h" * 256 + '": 1}}', "the name of a header has 256 bytes"),
        ('{"body": "", "encoded": "AA="}', "encoded is not base64"),
        ('{"body": "\\ud800"}', "a text holds half of a surrogate pair"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_wrong_line_is_refused_with_its_place(line: str, sentence: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_line(line.encode(), "saved.jsonl:7")

    assert refused.value.sentence.startswith(f"saved.jsonl:7: {sentence}")


def test_bytes_that_are_not_utf_8_are_refused() -> None:
    with pytest.raises(InvalidInput, match="f:1: byte 1 is not UTF-8"):
        parse_line(b'"\xff"', "f:1")


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"\0",
        b"\0\0\0",
        b"\0\x01",
        b"\x80\x00\x05ab",
        b"\x20\x00\x00\x00\x00\x09\x01aF",
        with_headers(b"\x01aS\x00\x00\x00\x09a"),
        with_headers(b"\x01a?"),
        with_headers(b"\x01aA\x00\x00\x00\x01I"),
        with_headers(b"\x09a"),
    ],
)
def test_properties_that_amqp_does_not_know_are_refused(encoded: bytes) -> None:
    line = {"body": "", "encoded": b64encode(encoded).decode()}

    with pytest.raises(InvalidInput, match="`encoded` holds no properties as AMQP encodes them"):
        parse_line(json.dumps(line).encode(), "f:1")


@given(st.binary(max_size=60))
def test_any_bytes_are_judged(encoded: bytes) -> None:
    if encoding.is_whole(encoded):
        decode(encoded)


@pytest.mark.parametrize("edited", [{"headers": {"tenant": "us"}}, {"properties": {"message_id": "m2"}}])
def test_what_was_edited_beside_the_encoded_properties_is_refused(edited: Mapping[str, Any]) -> None:
    encoded = encoding.encode({"message_id": "m1", "headers": {"tenant": "eu"}})
    line = {**json.loads(format_line(message(encoded))), **edited}

    with pytest.raises(InvalidInput, match="differs from what `encoded` holds") as refused:
        parse_line(json.dumps(line).encode(), "f:1")

    assert refused.value.hint == "leave out `encoded` to load what was edited"
    del line["encoded"]
    assert parse_line(json.dumps(line).encode(), "f:1").properties["message_id"] in {"m1", "m2"}


def test_a_file_is_read_from_a_line_on() -> None:
    file = b"".join(format_line(message(body=body)) for body in (b"1", b"2", b"3")) + b"\n"

    found = list(read_lines(BytesIO(file), "f", first=2))

    assert [(each.line, each.message.body) for each in found] == [(2, b"2"), (3, b"3")]


def test_a_wrong_line_is_found_when_it_is_reached() -> None:
    lines = read_lines(BytesIO(b'{"body": ""}\n{"body": 1}\n'), "f")

    assert next(lines).line == 1
    with pytest.raises(InvalidInput, match="f:2: body: expected a string"):
        next(lines)


@pytest.mark.parametrize("number", [Decimal("0.10"), Decimal(-7), Decimal(0)])
def test_decimals_are_encoded(number: Decimal) -> None:
    assert decode(encoding.encode({"headers": {"d": number}})) == {"headers": {"d": number}}


@pytest.mark.parametrize("number", ["1E9", "99999999999", "NaN"])
def test_decimals_that_amqp_does_not_know_are_refused(number: str) -> None:
    with pytest.raises(ValueError, match="AMQP has no decimal"):
        encoding.encode({"headers": {"d": Decimal(number)}})
