"""Looking into a queue without taking anything out: the price of it on each type and release. No I/O.

A message that was read must be given back. Tried on 3.10, 4.0 and 4.3, over AMQP and over the management API,
whose `get` does the same:

- A classic queue puts it back at its place, and marks it as redelivered.
- A quorum queue counts a failed delivery before 4.3, whichever way it is given back, and gives a message up after
  so many. The count is known only once a message is out. So such a queue is not read, unless it has no limit.
- On releases before 4.0, a quorum queue puts it at the end.
- On 4.3, a quorum queue that delays every retry keeps it back for that time.
- A stream is only read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeAlias

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode, InvalidInput, PlanRefused, WrongUsage
from attune_infra.messages.deaths import History, history_of
from attune_infra.messages.encoded import COUNTS, Value, without_headers
from attune_infra.messages.model import StoredMessage
from attune_infra.messages.selection import Selection
from attune_infra.topology.facts.releases import (
    FIRST_WITH_DEFAULT_DELIVERY_LIMIT,
    FIRST_WITH_FREE_RETURNS,
    FIRST_WITH_RETURNS_IN_PLACE,
    FIRST_WITH_UNLIMITED_DELIVERIES,
    NEWEST,
    Version,
)
from attune_infra.topology.model import Argument, Queue, Topology
from attune_infra.topology.policy import possible_arguments
from attune_infra.topology.words import guess

Offset: TypeAlias = "str | int"
"""The place in a stream to begin at: `first`, `last`, or the number of a message."""

DEFAULT_COUNT: Final = 10
MAX_SHOWN: Final = 1000
"""Messages that are shown; more of them go into a file."""
MAX_BODY_SHOWN: Final = 1 << 16
"""Bytes of a body that are kept to be shown."""

_DEFAULT_DELIVERY_LIMIT: Final = 20
_ADDED_BY_QUEUES: Final = COUNTS | {b"x-stream-offset"}
_OFFSET_HEADER: Final = "x-stream-offset"
_ATTEMPTS_HEADER: Final = "x-delivery-count"
COUNTING_HEADERS: Final = frozenset({_OFFSET_HEADER, _ATTEMPTS_HEADER})
"""Headers that a queue adds on delivery, and that `PeekedMessage` tells by itself."""
_DELAYING: Final = ("all", "returned")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The messages to look for: so many that are selected, or all; and the place in a stream to begin at."""

    selection: Selection = Selection()  # immutable
    count: int | None = DEFAULT_COUNT
    offset: Offset = "first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peekable:
    """A queue that may be read, and the price of it."""

    name: str
    type: str
    price: str | None = None
    """A sentence about the change that reading makes, for consent; None if nobody needs to know it first."""
    note: str = ""
    """A sentence about the change that reading makes to the messages that were read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeekedMessage:
    """A message that is still in its queue, as far as it is shown."""

    position: int
    """Its place among those that were read, counted from 1."""
    message: StoredMessage
    size: int
    """Bytes of its whole body."""

    @property
    def is_cut(self) -> bool:
        return self.size > len(self.message.body)

    @property
    def offset(self) -> int | None:
        """Its offset in a stream."""
        return _number(self.message.headers, _OFFSET_HEADER)

    @property
    def attempts(self) -> int | None:
        """The failed deliveries that a quorum queue has counted; None if it tells none."""
        return _number(self.message.headers, _ATTEMPTS_HEADER)

    @property
    def history(self) -> History:
        return history_of(self.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peeked:
    """The result of a look into a queue."""

    queue: Peekable
    read: int
    """Messages that were read, selected or not."""
    selected: int
    messages: tuple[PeekedMessage, ...] = ()
    saved: Path | None = None
    """The file that has the selected messages instead."""

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.DONE


def find_queue(name: str, topology: Topology) -> Queue:
    """Return a queue of a broker; raise `InvalidInput` if there is none of this name."""
    found = topology.queues.get(name)
    if found is None:
        raise InvalidInput(
            f"queue '{name}' does not exist{guess(name, topology.queues)}",
            hint="`attune-infra queues` lists all queues",
        )
    return found


def peekable(name: str, topology: Topology) -> Peekable:
    """Return a queue with the price of reading it; raise `PlanRefused` if a message could be lost by it."""
    queue = find_queue(name, topology)
    kind, version = topology.type_of(queue), topology.version or NEWEST
    match kind:
        case "stream":
            return Peekable(name=name, type=kind)
        case "quorum":
            found = [_quorum(name, arguments, version) for arguments in possible_arguments(queue, topology)]
            return next((each for each in found if each.price), found[0])
        case _:
            return Peekable(name=name, type=kind, note=_MARKED)


def _quorum(name: str, arguments: Mapping[str, Argument], version: Version) -> Peekable:
    if arguments.get("x-single-active-consumer") is True:
        raise PlanRefused(
            f"queue {name} has a single active consumer; RabbitMQ gives its messages to nobody else",
            hint=_ELSEWHERE,
        )
    limit = delivery_limit(arguments, version)
    release = ".".join(map(str, version[:2]))
    if version < FIRST_WITH_FREE_RETURNS and limit is not None:
        gone = "dead-letters" if arguments.get("x-dead-letter-exchange") is not None else "drops"
        raise PlanRefused(
            f"queue {name} counts each look at a message as a failed delivery, and {gone} a message after"
            f" {limit} of them; RabbitMQ {release} tells the count only once it has delivered",
            hint=_unlimited(version),
        )
    if version < FIRST_WITH_RETURNS_IN_PLACE:
        return Peekable(
            name=name,
            type="quorum",
            price=f"RabbitMQ {release} puts what was read at the end of queue {name}: the order changes",
            note="those that were read are at the end of the queue now, and marked as redelivered",
        )
    if arguments.get("x-delayed-retry-type") in _DELAYING:
        return Peekable(
            name=name,
            type="quorum",
            price=f"queue {name} delays each retry: messages that were read come back only after that time",
            note="those that were read come back after the delay of a retry, marked as redelivered",
        )
    return Peekable(name=name, type="quorum", note=_MARKED)


def delivery_limit(arguments: Mapping[str, Argument], version: Version) -> int | None:
    """Return the failed deliveries after which a quorum queue gives a message up; None if it never does."""
    given = arguments.get("x-delivery-limit")
    if not isinstance(given, int):
        return _DEFAULT_DELIVERY_LIMIT if version >= FIRST_WITH_DEFAULT_DELIVERY_LIMIT else None
    if given < 0:
        return None if version >= FIRST_WITH_UNLIMITED_DELIVERIES else 0
    return given


_MARKED: Final = "those that were read are marked as redelivered now"
_ELSEWHERE: Final = "copy what you want to see to another queue first"


def _unlimited(version: Version) -> str:
    if version >= FIRST_WITH_UNLIMITED_DELIVERIES:
        return "a policy with delivery-limit -1 lifts the limit, for as long as it stays"
    return _ELSEWHERE


def shown(position: int, message: StoredMessage) -> PeekedMessage:
    """Return a message as it is shown: without what is behind the first part of a long body."""
    size = len(message.body)
    if size > MAX_BODY_SHOWN:
        message = _with(message, body=_beginning(message.body))
    return PeekedMessage(position=position, message=message, size=size)


def _beginning(body: bytes) -> bytes:
    """Return the first part of a body; of a text, only whole characters."""
    part = body[:MAX_BODY_SHOWN]
    try:
        part.decode()
    except UnicodeDecodeError as error:
        if error.end == len(part):
            return part[: error.start]
    return part


def as_published(message: StoredMessage) -> StoredMessage:
    """Return a message without the headers that its queue has added on delivery."""
    return _with(message, encoded=without_headers(message.encoded, _ADDED_BY_QUEUES))


def _with(message: StoredMessage, *, encoded: bytes | None = None, body: bytes | None = None) -> StoredMessage:
    return StoredMessage(
        exchange=message.exchange,
        routing_key=message.routing_key,
        redelivered=message.redelivered,
        encoded=message.encoded if encoded is None else encoded,
        body=message.body if body is None else body,
    )


_MAX_DIGITS: Final = 20


def parse_offset(text: str) -> Offset:
    """Return the place in a stream that a user names; raise `WrongUsage` for another text."""
    if text in ("first", "last"):
        return text
    if len(text) < _MAX_DIGITS and text.isascii() and text.isdecimal() and int(text) < 1 << 63:
        return int(text)
    raise WrongUsage(
        f"--offset: '{text}' is no place in a stream", hint="give first, last, or the offset of a message"
    )


def _number(headers: Mapping[str, Value], name: str) -> int | None:
    found = headers.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) else None
