"""The messages that `--where` selects: by a header or property, routing key, exchange, or reason of death. No I/O.

A text is `NAME=VALUE`; of several texts, all must hold. `SYNTAX` says it for the help of commands.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final, Protocol

from attune_infra.dataclass import dataclass
from attune_infra.errors import WrongUsage
from attune_infra.messages.deaths import history_of
from attune_infra.messages.encoded import Value
from attune_infra.messages.model import StoredMessage
from attune_infra.topology.routing.topic_keys import Words, overlap, parse_literal_key, parse_topic_key
from attune_infra.topology.words import either, guess

SYNTAX: Final = (
    "NAME=VALUE (a header, or a property such as message_id), routing-key=PATTERN (* is one word, # any number), "
    "exchange=NAME, or reason=expired|rejected|maxlen|delivery_limit"
)
"""Everything that `--where` takes, for its help."""

_HEADER: Final = "header:"
_TEXTS: Final = frozenset(
    {
        "content_type",
        "content_encoding",
        "correlation_id",
        "reply_to",
        "expiration",
        "message_id",
        "type",
        "user_id",
        "app_id",
        "cluster_id",
    }
)
_NUMBERS: Final = frozenset({"delivery_mode", "priority"})
_TIMESTAMP: Final = "timestamp"
_OTHER_OPERATORS: Final = tuple("!<>~+:")
_NO_PAIR_HINT: Final = f"give {SYNTAX}"


class Reason(StrEnum):
    """The reasons for which RabbitMQ dead-letters a message."""

    EXPIRED = "expired"
    REJECTED = "rejected"
    MAXLEN = "maxlen"
    DELIVERY_LIMIT = "delivery_limit"


class Condition(Protocol):
    """One `--where`."""

    def matches(self, message: StoredMessage) -> bool: ...


@dataclass(frozen=True, slots=True)
class Selection:
    """The messages for which all conditions hold; all messages, if there is none."""

    conditions: tuple[Condition, ...] = ()
    texts: tuple[str, ...] = ()
    """The conditions as they were given."""

    @property
    def is_everything(self) -> bool:
        return not self.conditions

    def matches(self, message: StoredMessage) -> bool:
        return all(condition.matches(message) for condition in self.conditions)


def parse_selection(texts: Iterable[str]) -> Selection:
    """Return the selection that several `--where` make; raise `WrongUsage` for a wrong one."""
    given = tuple(texts)
    return Selection(tuple(_parse(text) for text in given), given)


@dataclass(frozen=True, slots=True)
class _Key:
    pattern: Words

    def matches(self, message: StoredMessage) -> bool:
        return overlap(self.pattern, parse_literal_key(message.routing_key))


@dataclass(frozen=True, slots=True)
class _Exchange:
    name: str

    def matches(self, message: StoredMessage) -> bool:
        return message.exchange == self.name


@dataclass(frozen=True, slots=True)
class _Died:
    reason: Reason

    def matches(self, message: StoredMessage) -> bool:
        first = history_of(message).first
        return first is not None and first.reason == self.reason


@dataclass(frozen=True, slots=True)
class _Property:
    name: str
    wanted: str

    def matches(self, message: StoredMessage) -> bool:
        return _equals(message.properties.get(self.name, _MISSING), self.wanted)


@dataclass(frozen=True, slots=True)
class _Header:
    name: str
    wanted: str

    def matches(self, message: StoredMessage) -> bool:
        return _equals(message.headers.get(self.name, _MISSING), self.wanted)


_MISSING: Final[dict[str, Value]] = {}
"""In place of a missing value: a table equals no text."""


def _parse(text: str) -> Condition:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise WrongUsage(f"--where: expected NAME=VALUE, got '{text}'", hint=_NO_PAIR_HINT)
    if name.startswith(_HEADER) and name != _HEADER:
        return _Header(name.removeprefix(_HEADER), value)
    if name.endswith(_OTHER_OPERATORS):
        hint = f"give {name[:-1]}=VALUE, or {_HEADER}{name}=VALUE for a header of that name"
        raise WrongUsage(f"--where: '{text}' compares with '{name[-1]}='; only '=' is known", hint=hint)
    match name.replace("-", "_"):
        case "routing_key":
            return _Key(_pattern(value))
        case "exchange":
            return _Exchange(value)
        case "reason":
            return _Died(_reason(value))
        case property_ if property_ in _TEXTS | _NUMBERS | {_TIMESTAMP}:
            _check_value(property_, value)
            return _Property(property_, value)
    return _Header(name, value)


def _pattern(value: str) -> Words:
    for word in value.split("."):
        if word not in ("*", "#") and ("*" in word or "#" in word):
            raise WrongUsage(
                f"--where: '{word}' of routing-key={value} is a wildcard within a word",
                hint="`*` stands for one whole word between dots, `#` for any number of words, as in orders.#",
            )
    return parse_topic_key(value)


def _reason(value: str) -> Reason:
    try:
        return Reason(value.replace("-", "_"))
    except ValueError:
        known = tuple(Reason)
        raise WrongUsage(
            f"--where: '{value}' is no reason of death{guess(value, known)}",
            hint=f"give reason={either(known)}, or {_HEADER}reason={value} for a header",
        ) from None


def _check_value(name: str, value: str) -> None:
    """Raise `WrongUsage` for a value that the property cannot have."""
    if name in _NUMBERS and not (value.isascii() and value.isdecimal()):
        raise WrongUsage(f"--where: {name} is a number, got '{value}'", hint=f"give a number, as {name}=1")
    if name == _TIMESTAMP and _moment(value) is None:
        raise WrongUsage(
            f"--where: '{value}' is no time",
            hint="give seconds since 1970, or a time such as 2026-01-31T12:00:00Z",
        )


def _equals(value: Value, wanted: str) -> bool:
    """Return whether a value is meant by a text. An array is, if one of its values is; a table never is."""
    match value:
        case str():
            return value == wanted
        case bool():
            return wanted.lower() == str(value).lower()
        case float():
            return _number(wanted, float) == value
        case int() | Decimal():
            return _number(wanted, Decimal) == value
        case bytes():
            return value == wanted.encode(errors="surrogateescape")
        case datetime():
            return _moment(wanted) == value
        case list():
            return any(_equals(each, wanted) for each in value)
        case dict():
            return False
        case None:
            return not wanted


def _number(text: str, kind: type[float] | type[Decimal]) -> float | Decimal | None:
    try:
        return kind(text)
    except (ValueError, InvalidOperation):
        return None


def _moment(text: str) -> datetime | int | None:
    """Return the time of a text; the number itself, if no calendar holds so many seconds."""
    if text.isascii() and text.isdecimal():
        try:
            return datetime.fromtimestamp(int(text), UTC)
        except (ValueError, OverflowError, OSError):
            return int(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
