"""Decode the properties of a message, or edit single ones in AMQP's encoding.

Source of the layout: AMQP 0-9-1, sections 4.2.5 (values) and 4.2.6.1 (flags); RabbitMQ's types of values.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from struct import Struct, unpack, unpack_from
from typing import Final, TypeAlias, cast

Value: TypeAlias = "str | int | float | bool | bytes | Decimal | datetime | list[Value] | dict[str, Value] | None"
"""A property or header, decoded. An octet array, or a text that is not UTF-8, is bytes; AMQP's void is None."""

_SHORT: Final = Struct(">H")
_LONG: Final = Struct(">I")
_HEADERS, _USER_ID = 1 << 13, 1 << 4
ORDER: Final = (
    (1 << 15, "s", "content_type"),
    (1 << 14, "s", "content_encoding"),
    (_HEADERS, "F", "headers"),
    (1 << 12, "B", "delivery_mode"),
    (1 << 11, "B", "priority"),
    (1 << 10, "s", "correlation_id"),
    (1 << 9, "s", "reply_to"),
    (1 << 8, "s", "expiration"),
    (1 << 7, "s", "message_id"),
    (1 << 6, "T", "timestamp"),
    (1 << 5, "s", "type"),
    (_USER_ID, "s", "user_id"),
    (1 << 3, "s", "app_id"),
    (1 << 2, "s", "cluster_id"),
)
"""Flags in the order of the values that they announce, each with the kind of its value and its name."""

COUNTS: Final = frozenset({b"x-delivery-count", b"x-acquired-count"})
"""Headers that quorum queues add on delivery; 4.3 adds the second."""

_FIXED: Final = {
    **dict.fromkeys(b"tbB", 1),
    **dict.fromkeys(b"su", 2),
    **dict.fromkeys(b"Iif", 4),
    **dict.fromkeys(b"lLdT", 8),
    ord("D"): 5,
    ord("V"): 0,
}
"""Bytes of the values of a table whose types have a fixed size."""


_NUMBERS: Final = dict(zip(b"bBsuIilLfd", ("b", "B", "h", "H", "i", "I", "q", "q", "f", "d"), strict=True))
"""Formats of the numbers in a table. RabbitMQ reads `L` as a signed number, like `l`."""


def decode(properties: bytes) -> dict[str, Value]:
    """Return the properties of a message by name, such as `message_id` or `headers`; missing ones are left out."""
    flags, at, found = _SHORT.unpack_from(properties)[0], 2, dict[str, Value]()
    for flag, kind, name in ORDER:
        if flags & flag:
            end = _end(properties, at, kind)
            match kind:
                case "s":
                    found[name] = _text(properties[at + 1 : end])
                case "F":
                    found[name] = dict(_decoded(properties[at + 4 : end]))
                case _:
                    found[name] = _value(ord(kind), properties[at:end])
            at = end
    return found


def headers_of(properties: bytes) -> Mapping[str, Value]:
    """Return the headers of a message by name, decoded."""
    start, end = _place(properties, _HEADERS)
    return dict(_decoded(properties[start + 4 : end]))


def size_of(kind: int) -> int | None:
    """Return the bytes of a value of a table by its type; None if the value begins with its size."""
    return _FIXED.get(kind)


def without_headers(properties: bytes, names: Collection[bytes]) -> bytes:
    """Return properties without some headers, and without a table of headers that would be empty."""
    start, end = _place(properties, _HEADERS)
    if start == end:
        return properties
    kept = [entry for name, entry in _entries(properties[start + 4 : end]) if name not in names]
    return _with_table(properties, start, end, b"".join(kept))


def with_header(properties: bytes, name: bytes, value: bytes) -> bytes:
    """Return properties with one more header; `value` is its type and its value, encoded."""
    start, end = _place(properties, _HEADERS)
    return _with_table(properties, start, end, properties[start + 4 : end] + bytes((len(name),)) + name + value)


def without_user_id(properties: bytes) -> bytes:
    """Return properties without `user_id`: RabbitMQ refuses a message that names another user than the login."""
    start, end = _place(properties, _USER_ID)
    if start == end:
        return properties
    return _flags(properties, without=_USER_ID) + properties[2:start] + properties[end:]


def user_id_of(properties: bytes) -> bytes | None:
    """Return the user that a message names; None if it names none."""
    start, end = _place(properties, _USER_ID)
    return properties[start + 1 : end] if end > start else None


def _with_table(properties: bytes, start: int, end: int, table: bytes) -> bytes:
    if not table:
        return _flags(properties, without=_HEADERS) + properties[2:start] + properties[end:]
    flags = _SHORT.pack(_SHORT.unpack_from(properties)[0] | _HEADERS)
    return flags + properties[2:start] + _LONG.pack(len(table)) + table + properties[end:]


def _flags(properties: bytes, *, without: int) -> bytes:
    return _SHORT.pack(_SHORT.unpack_from(properties)[0] & ~without)


def _place(properties: bytes, wanted: int) -> tuple[int, int]:
    """Return begin and end of a value; they are equal, and the place to add it, if it is missing."""
    flags, at = _SHORT.unpack_from(properties)[0], 2
    for flag, kind, _ in ORDER:
        if flag == wanted:
            return at, _end(properties, at, kind) if flags & flag else at
        if flags & flag:
            at = _end(properties, at, kind)
    raise ValueError(wanted)


def _end(data: bytes, at: int, kind: str) -> int:
    match kind:
        case "s":
            return at + 1 + data[at]
        case "F":
            return at + 4 + int(_LONG.unpack_from(data, at)[0])
        case "B":
            return at + 1
        case _:
            return at + 8


def _entries(table: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name and the whole bytes of each entry of a table."""
    at = 0
    while at < len(table):
        value_at = at + 1 + table[at]
        kind = table[value_at]
        size = _FIXED.get(kind)
        end = value_at + 1 + (4 + _LONG.unpack_from(table, value_at + 1)[0] if size is None else size)
        yield table[at + 1 : value_at], table[at:end]
        at = end


def _decoded(table: bytes) -> Iterator[tuple[str, Value]]:
    for name, entry in _entries(table):
        value_at = 1 + entry[0]
        yield name.decode(errors="replace"), _value(entry[value_at], entry[value_at + 1 :])


def _value(kind: int, data: bytes) -> Value:
    if kind in _NUMBERS:
        [number] = unpack(f">{_NUMBERS[kind]}", data)
        return cast("int | float", number)
    match chr(kind):
        case "t":
            return data[0] != 0
        case "S":
            return _text(data[4:])
        case "x":
            return data[4:]
        case "T":
            return _time(unpack_from(">Q", data)[0])
        case "D":
            return Decimal(unpack_from(">i", data, 1)[0]).scaleb(-data[0])
        case "F":
            return dict(_decoded(data[4:]))
        case "A":
            return list(_items(data[4:]))
        case _:
            return None


def _items(array: bytes) -> Iterator[Value]:
    at = 0
    while at < len(array):
        kind = array[at]
        size = _FIXED.get(kind)
        end = at + 1 + (4 + _LONG.unpack_from(array, at + 1)[0] if size is None else size)
        yield _value(kind, array[at + 1 : end])
        at = end


def _text(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _time(seconds: int) -> datetime | int:
    """Return a timestamp; one that no calendar holds, such as milliseconds, stays a number."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return seconds
