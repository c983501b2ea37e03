"""Messages in a file, one JSON object a line: easy to read and to write by hand, and exact if it was saved.

A saved line also has the encoded properties in base64, so that every type and width comes back as it was. A line
written by hand leaves them out.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from math import isfinite
from typing import IO, Any, Final, NamedTuple, NoReturn, TypeAlias

from attune_infra.errors import InvalidInput
from attune_infra.messages.encoded import Value, decode
from attune_infra.messages.encoding import NAMES, encode, is_whole
from attune_infra.messages.model import StoredMessage
from attune_infra.topology.words import describe, guess

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"

BODY, BODY_BASE64, ENCODED = "body", "body_base64", "encoded"
_KEYS: Final = ("exchange", "routing_key", "redelivered", "properties", "headers", BODY, BODY_BASE64, ENCODED)
_MAX_NAME_BYTES: Final = 255
_MAX_LINE_BYTES: Final = 1 << 30
"""Bytes of a line: much more than RabbitMQ takes as a message."""
_HINT: Final = (
    'a line is one message: {"routing_key": "orders", "properties": {"message_id": "1"}, "body": "text"}'
)


class NumberedMessage(NamedTuple):
    """A message of a file, and its line, counted from 1."""

    line: int
    message: StoredMessage


def format_line(message: StoredMessage) -> bytes:
    """Return a message as a line, with its end."""
    line = {
        "exchange": message.exchange,
        "routing_key": message.routing_key,
        "redelivered": message.redelivered,
        **_readable(message.properties),
        **body_keys(message.body),
        ENCODED: b64encode(message.encoded).decode(),
    }
    try:
        return json.dumps(line, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:  # a name or property that is not UTF-8
        return json.dumps(line).encode() + b"\n"


def body_keys(body: bytes) -> dict[str, str]:
    """Return the body of a message under its key: as text if it is UTF-8, else in base64."""
    try:
        return {BODY: body.decode()}
    except UnicodeDecodeError:
        return {BODY_BASE64: b64encode(body).decode()}


def readable(value: Value) -> Json:
    """Return a property or header in the terms of JSON; bytes that are no text become surrogates."""
    match value:
        case bytes():
            return value.decode(errors="surrogateescape")
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case float() if not isfinite(value):
            return str(value)
        case Decimal():
            return str(value)
        case list():
            return [readable(each) for each in value]
        case dict():
            return {name: readable(each) for name, each in value.items()}
        case _:
            return value


def read_lines(file: IO[bytes], source: str, *, first: int = 1) -> Iterator[NumberedMessage]:
    """Yield the messages of a file from a line on; raise `InvalidInput` with the number of a wrong line.

    Empty lines are left out.
    """
    number = 0
    while line := file.readline(_MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > _MAX_LINE_BYTES:
            raise InvalidInput(
                f"{source}:{number}: the line is longer than {_MAX_LINE_BYTES >> 20} MiB", hint=_HINT
            )
        if number >= first and not line.isspace():
            yield NumberedMessage(number, parse_line(line, f"{source}:{number}"))


def parse_line(line: bytes, place: str) -> StoredMessage:
    """Return the message of a line; raise `InvalidInput` with its place."""
    try:
        found = json.loads(line.decode(), parse_constant=_refuse_constant)
        if not isinstance(found, dict):
            raise ValueError(f"expected an object, got {describe(found)}")
        return _message(found)
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{place}: byte {error.start} is not UTF-8", hint=_HINT) from error
    except json.JSONDecodeError as error:
        raise InvalidInput(f"{place}: not JSON: {error.msg} at column {error.colno}", hint=_HINT) from error
    except UnicodeEncodeError as error:
        raise InvalidInput(f"{place}: a text holds half of a surrogate pair", hint=_HINT) from error
    except RecursionError as error:
        raise InvalidInput(f"{place}: nested too deeply", hint=_HINT) from error
    except _EditedError as error:
        raise InvalidInput(f"{place}: {error}", hint=f"leave out `{ENCODED}` to load what was edited") from error
    except ValueError as error:
        raise InvalidInput(f"{place}: {error}", hint=_HINT) from error


class _EditedError(ValueError):
    """The readable properties are not those that are encoded."""


def _message(found: Mapping[str, Any]) -> StoredMessage:
    for key in found:
        if key not in _KEYS:
            raise ValueError(f"there is no key '{key}'{guess(key, _KEYS)}")
    return StoredMessage(
        exchange=_name(found, "exchange"),
        routing_key=_name(found, "routing_key"),
        redelivered=found.get("redelivered") is True,
        encoded=_encoded(found),
        body=_body(found),
    )


def _name(found: Mapping[str, Any], key: str) -> str:
    value = found.get(key, "")
    if not isinstance(value, str):
        raise ValueError(f"{key}: expected a string, got {describe(value)}")
    if len(value.encode(errors="surrogateescape")) > _MAX_NAME_BYTES:
        raise ValueError(f"{key} is longer than {_MAX_NAME_BYTES} bytes")
    return value


def _body(found: Mapping[str, Any]) -> bytes:
    match found:
        case {"body": _, "body_base64": _}:
            raise ValueError(f"`{BODY}` and `{BODY_BASE64}` are given; give one of them")
        case {"body": str(text)}:
            return text.encode()
        case {"body": other}:
            raise ValueError(f"{BODY}: expected a string, got {describe(other)}; write JSON as a string too")
        case {"body_base64": value}:
            return _bytes(BODY_BASE64, value)
        case _:
            raise ValueError(f"`{BODY}` is missing")


def _encoded(found: Mapping[str, Any]) -> bytes:
    """Return the encoded properties; if they are given, readable ones beside them must be the same."""
    properties, headers = (_object(found, key) for key in ("properties", "headers"))
    if ENCODED not in found:
        for name in properties or ():
            if name not in NAMES:
                hint = "; headers stand beside `properties`" if name == "headers" else guess(name, NAMES)
                raise ValueError(f"there is no property '{name}'{hint}")
        given = {name: _value(name, value) for name, value in (properties or {}).items()}
        return encode(given if headers is None else {**given, "headers": headers})
    encoded = _bytes(ENCODED, found[ENCODED])
    if not is_whole(encoded):
        raise ValueError(f"`{ENCODED}` holds no properties as AMQP encodes them")
    meant = _readable(decode(encoded))
    for key, value in (("properties", properties), ("headers", headers)):
        if value is not None and value != meant.get(key, {}):
            raise _EditedError(f"`{key}` differs from what `{ENCODED}` holds")
    return encoded


def _readable(properties: Mapping[str, Value]) -> dict[str, Json]:
    """Return properties and headers, each under its key; headers only if there are any."""
    found = {name: readable(value) for name, value in properties.items()}
    headers = found.pop("headers", None)
    return {"properties": found} if headers is None else {"properties": found, "headers": headers}


def _value(name: str, value: Any) -> Value:
    if name == "timestamp" and isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"timestamp: '{value}' is no time such as 2026-01-31T12:00:00Z") from None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    result: Value = value
    return result


def _object(found: Mapping[str, Any], key: str) -> dict[str, Any] | None:
    value = found.get(key)
    if value is not None and not isinstance(value, dict):
        raise ValueError(f"{key}: expected an object, got {describe(value)}")
    return value


def _bytes(key: str, value: object) -> bytes:
    if not isinstance(value, str):
        raise ValueError(f"{key}: expected a string in base64, got {describe(value)}")
    try:
        return b64decode(value, validate=True)
    except (Base64Error, ValueError) as error:
        raise ValueError(f"{key} is not base64") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
