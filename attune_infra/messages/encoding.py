"""Encode the properties of a message as AMQP wants them, and check properties that are encoded already. No I/O.

`encoded` decodes them, and has the source of the layout.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from struct import error as struct_error
from struct import pack, unpack_from
from typing import Final

from attune_infra.messages.encoded import ORDER, Value, size_of

_MAX_TEXT_BYTES: Final = 255
_MAX_OCTET: Final = 255
_INT32: Final = 1 << 31
_INT64: Final = 1 << 63
_MAX_SCALE: Final = 255

TEXTS: Final = frozenset(name for _, kind, name in ORDER if kind == "s")
"""Properties that are texts of at most 255 bytes."""
OCTETS: Final = frozenset(name for _, kind, name in ORDER if kind == "B")
"""Properties that are numbers from 0 to 255."""
NAMES: Final = tuple(name for _, _, name in ORDER if name != "headers")
"""All properties but the headers, which are a table of their own."""


def encode(properties: Mapping[str, Value]) -> bytes:
    """Return properties as AMQP encodes them; raise `ValueError` with a sentence for one that it cannot encode.

    A number becomes one of 32 bits if it fits, else of 64.
    """
    if unknown := properties.keys() - {name for _, _, name in ORDER}:
        raise ValueError(f"there is no property '{min(unknown)}'")
    flags, parts = 0, []
    for flag, kind, name in ORDER:
        if name in properties:
            flags |= flag
            parts.append(_property(name, kind, properties[name]))
    return pack(">H", flags) + b"".join(parts)


def is_whole(properties: bytes) -> bool:
    """Return whether bytes are encoded properties, complete and with nothing behind them.

    RabbitMQ closes the connection of a publisher that sends others.
    """
    try:
        return _end_of_properties(properties) == len(properties)
    except (IndexError, struct_error, ValueError, RecursionError):
        return False


def _end_of_properties(data: bytes) -> int:
    flags, at = unpack_from(">H", data)[0], 2
    if flags & ~sum(flag for flag, _, _ in ORDER):
        raise ValueError(flags)
    for flag, kind, _ in ORDER:
        if flags & flag:
            match kind:
                case "s":
                    at += 1 + data[at]
                case "F":
                    at = _end_of_value(data, ord("F"), at)
                case _:
                    at += size_of(ord(kind)) or 0
    return at


def _end_of_value(data: bytes, kind: int, at: int) -> int:
    """Return the end of a value, after checking that the values in it end where it ends."""
    size = size_of(kind)
    if size is not None:
        return at + size
    at, end = at + 4, at + 4 + unpack_from(">I", data, at)[0]
    if chr(kind) in "FA":
        while at < end:
            if chr(kind) == "F":
                at += 1 + data[at]
            at = _end_of_value(data, data[at], at + 1)
    elif chr(kind) in "Sx":
        at = end
    if at != end:
        raise ValueError(kind)
    return int(end)


def _property(name: str, kind: str, value: Value) -> bytes:
    match kind, value:
        case "s", str() | bytes():
            return _short(name, value)
        case "B", int() if not isinstance(value, bool) and 0 <= value <= _MAX_OCTET:
            return bytes((value,))
        case "T", datetime():
            return pack(">Q", int(value.timestamp()))
        case "T", int() if not isinstance(value, bool) and 0 <= value < 2 * _INT64:
            return pack(">Q", value)
        case "F", dict():
            return _table(value)
    raise ValueError(f"{name} must be {_WANTED[kind]}")


_WANTED: Final = {
    "s": "a text",
    "B": f"a number from 0 to {_MAX_OCTET}",
    "T": "a time, or seconds since 1970",
    "F": "a table",
}


def _short(what: str, text: str | bytes) -> bytes:
    data = text if isinstance(text, bytes) else text.encode(errors="surrogateescape")
    if len(data) > _MAX_TEXT_BYTES:
        raise ValueError(f"{what} has {len(data)} bytes; AMQP allows {_MAX_TEXT_BYTES}")
    return bytes((len(data),)) + data


def _long(data: bytes) -> bytes:
    return pack(">I", len(data)) + data


def _table(entries: Mapping[str, Value]) -> bytes:
    return _long(
        b"".join(_short("the name of a header", name) + _value(name, value) for name, value in entries.items())
    )


def _value(name: str, value: Value) -> bytes:
    match value:
        case bool():
            return b"t\x01" if value else b"t\x00"
        case int() | float() | Decimal():
            return _number(name, value)
        case str():
            return b"S" + _long(value.encode(errors="surrogateescape"))
        case bytes():
            return b"x" + _long(value)
        case datetime():
            return b"T" + pack(">Q", int(value.timestamp()))
        case list():
            return b"A" + _long(b"".join(_value(name, each) for each in value))
        case dict():
            return b"F" + _table(value)
        case None:
            return b"V"


def _number(name: str, value: float | Decimal) -> bytes:
    if isinstance(value, int):
        return _integer(name, value)
    return _decimal(name, value) if isinstance(value, Decimal) else b"d" + pack(">d", value)


def _integer(name: str, value: int) -> bytes:
    if -_INT32 <= value < _INT32:
        return b"I" + pack(">i", value)
    if -_INT64 <= value < _INT64:
        return b"l" + pack(">q", value)
    raise ValueError(f"header {name}: {value} does not fit into 64 bits")


def _decimal(name: str, value: Decimal) -> bytes:
    sign, digits, exponent = value.as_tuple()
    if isinstance(exponent, int) and -_MAX_SCALE <= exponent <= 0:
        number = int("".join(map(str, digits))) * (-1 if sign else 1)
        if -_INT32 <= number < _INT32:
            return b"D" + pack(">Bi", -exponent, number)
    raise ValueError(f"header {name}: AMQP has no decimal {value}")
