"""Decide where the messages of a dead letter queue go back to, one by one. No I/O.

A message goes back as a new one. Its `x-death` and the headers like it are removed: releases before 4.0 would go
on counting, and would drop the message as a cycle at its next death if that is an automatic one. Later releases
overwrite them. The properties, the other headers and the body stay. Keys of its CC header are those of its first
death, because a dead letter exchange with a routing key of its own removes them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field, replace
from enum import StrEnum
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode
from attune_infra.messages.deaths import HISTORY, REJECTION, REPLAYS, Death, History, history_of
from attune_infra.messages.encoded import COUNTS, Value, with_header, without_headers
from attune_infra.messages.model import Sending, StoredMessage
from attune_infra.messages.moving import Moved
from attune_infra.messages.selection import Selection
from attune_infra.topology.model import Argument, Message
from attune_infra.topology.routing.route import Routed, Routing

DEFAULT_MAX_REPLAYS: Final = 3
_MAX_KEYS_SHOWN: Final = 3
_MAX_ROUTES_KEPT: Final = 10_000
_CC: Final = b"CC"
_REMOVED: Final = frozenset({*(name.encode() for name in (*HISTORY, *REJECTION, REPLAYS)), *COUNTS, _CC})


class Refusal(StrEnum):
    """A reason for which a message stays in its dead letter queue."""

    NO_ORIGIN = "no_origin"
    """It has no death, so it came from nowhere that is known."""
    NO_EXCHANGE = "no_exchange"
    """The exchange is missing, or takes no messages from clients."""
    NO_QUEUE = "no_queue"
    SAME_QUEUE = "same_queue"
    """It would come back to the dead letter queue at once."""
    TOO_OFTEN = "too_often"


@dataclass(frozen=True, slots=True)
class Place:
    """A place to send messages to; without a routing key, each keeps the keys that it had when it first died."""

    exchange: str
    routing_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Messages that died alike, and the way that they go.

    `reason`, `queue` and `exchange` are those of the first death, None without one. `to` is the exchange, None
    without an origin. It leads to the `queues`, and perhaps to the `possible` ones, if a plugin chooses. Through
    an external exchange it `leaves` for queues that are not known.
    """

    reason: str | None
    queue: str | None
    exchange: str | None
    to: str | None = None
    queues: tuple[str, ...] = ()
    possible: tuple[str, ...] = ()
    leaves: bool = False
    refusal: Refusal | None = None

    @property
    def copies_elsewhere(self) -> tuple[str, ...]:
        """The queues that get a message of this way although it died in another one."""
        if self.refusal is not None or self.queue is None:
            return ()
        return tuple(name for name in self.queues if name != self.queue)

    @property
    def returns(self) -> bool:
        """True if it leads to the queue that the message died in."""
        return self.refusal is None and self.queue in {*self.queues, *self.possible}


@dataclass(slots=True)
class Tally:
    """The messages of one way: their number, and some of their routing keys."""

    count: int = 0
    keys: list[str] = field(default_factory=list)
    has_more_keys: bool = False

    def add(self, keys: Sequence[str]) -> None:
        self.count += 1
        for key in keys[:1]:
            if key in self.keys:
                continue
            if len(self.keys) < _MAX_KEYS_SHOWN:
                self.keys.append(key)
            else:
                self.has_more_keys = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The messages to send back, and the place if it is not that of their first death.

    `most` is the number of messages to look at: those that come while the others are sent may be dead again.
    `limit` is the number of messages to send back.
    """

    source: str
    selection: Selection = Selection()  # immutable
    to: Place | None = None
    max_replays: int = DEFAULT_MAX_REPLAYS
    most: int | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """The result of a replay, or the plan of one: `moved` is None then.

    `ready` is the number of messages in the queue before, None if it is unknown. The ways that most messages go
    come first. `not_selected` messages were looked at, and stay.
    """

    source: str
    ways: tuple[tuple[Way, Tally], ...] = ()
    ready: int | None = None
    looked_at: int = 0
    not_selected: int = 0
    max_replays: int = DEFAULT_MAX_REPLAYS
    moved: Moved | None = None

    @property
    def refused(self) -> int:
        """The number of selected messages that stay."""
        return sum(tally.count for way, tally in self.ways if way.refusal is not None)

    @property
    def accepted(self) -> int:
        return sum(tally.count for way, tally in self.ways if way.refusal is None)

    @property
    def exit_code(self) -> ExitCode:
        """Partly done if a selected message stays."""
        is_partly = self.moved is not None and (self.refused or self.moved.returned)
        return ExitCode.PARTLY_DONE if is_partly else ExitCode.DONE


class Replay:
    """Decides about one message after another, and counts them by their ways."""

    def __init__(self, routing: Routing, rules: Rules) -> None:
        self.rules = rules
        self.ways: dict[Way, Tally] = {}
        self.looked_at = 0
        self.not_selected = 0
        self._sent = 0
        self._routing = routing
        self._routes: dict[tuple[str, tuple[str, ...]], Routed] = {}

    @property
    def is_over(self) -> bool:
        """True if no more messages are to be looked at."""
        most, limit = self.rules.most, self.rules.limit
        return (most is not None and self.looked_at >= most) or (limit is not None and self._sent >= limit)

    def choose(self, message: StoredMessage) -> Sending | None:
        """Return where a message goes, and with which properties; None if it stays."""
        rules = self.rules
        if self.is_over:
            return None
        self.looked_at += 1
        if not rules.selection.matches(message):
            self.not_selected += 1
            return None
        history = history_of(message)
        way, keys = self._way(message, history)
        self.ways.setdefault(way, Tally()).add(keys)
        if way.refusal is not None or way.to is None:
            return None
        self._sent += 1
        return Sending(
            exchange=way.to, routing_key=keys[0], encoded=_renewed(message.encoded, keys[1:], history.replays + 1)
        )

    def result(self, *, ready: int | None = None, moved: Moved | None = None) -> Replayed:
        """Return the messages by their ways, so far."""
        return Replayed(
            source=self.rules.source,
            ways=tuple(sorted(self.ways.items(), key=lambda found: -found[1].count)),
            ready=ready,
            looked_at=self.looked_at,
            not_selected=self.not_selected,
            max_replays=self.rules.max_replays,
            moved=moved,
        )

    def _way(self, message: StoredMessage, history: History) -> tuple[Way, tuple[str, ...]]:
        first, to = history.first, self.rules.to
        found = _beginning(first)
        keys = (first.routing_keys if first else ()) or (message.routing_key,)
        if to is not None:
            exchange, keys = to.exchange, keys if to.routing_key is None else (to.routing_key,)
        elif first is not None:
            exchange = first.exchange
        else:
            return replace(found, refusal=Refusal.NO_ORIGIN), keys
        found = replace(found, to=exchange)
        if history.replays >= self.rules.max_replays:
            return replace(found, refusal=Refusal.TOO_OFTEN), keys
        routed = self._route(exchange, keys, message.headers)
        found = replace(found, queues=routed.queues, possible=routed.possible, leaves=routed.leaves)
        return replace(found, refusal=self._refusal(routed)), keys

    def _refusal(self, routed: Routed) -> Refusal | None:
        if routed.refused is not None:
            return Refusal.NO_EXCHANGE
        if not (routed.queues or routed.possible or routed.leaves):
            return Refusal.NO_QUEUE
        if self.rules.source in {*routed.queues, *routed.possible}:
            return Refusal.SAME_QUEUE
        return None

    def _route(self, exchange: str, keys: tuple[str, ...], headers: Mapping[str, Value]) -> Routed:
        """Return the route of a message, from memory if its headers play no part."""
        asked = (exchange, keys)
        if asked in self._routes:
            return self._routes[asked]
        kept = dict(_arguments(headers, without={name.decode() for name in _REMOVED}))
        if keys[1:]:
            kept[_CC.decode()] = [*keys[1:]]
        routed = self._routing.publish(Message(exchange=exchange, routing_key=keys[0], headers=kept))
        if len(self._routes) < _MAX_ROUTES_KEPT and not _looks_at_headers(routed):
            self._routes[asked] = routed
        return routed


def _beginning(first: Death | None) -> Way:
    if first is None:
        return Way(reason=None, queue=None, exchange=None)
    return Way(reason=first.reason, queue=first.queue, exchange=first.exchange)


def _looks_at_headers(routed: Routed) -> bool:
    return any(hop.exchange.routing_type not in {"direct", "fanout", "topic"} for hop in routed.hops)


def _arguments(headers: Mapping[str, Value], *, without: Collection[str]) -> Iterator[tuple[str, Argument]]:
    """Yield the headers that a binding can match on; other types equal nothing that a topology can hold."""
    for name, value in headers.items():
        if name not in without and isinstance(value, str | int | float | None):
            yield name, value


def _renewed(encoded: bytes, more_keys: Sequence[str], replays: int) -> bytes:
    """Return properties without deaths, with the number of replays and the keys of CC."""
    found = with_header(without_headers(encoded, _REMOVED), REPLAYS.encode(), b"I" + replays.to_bytes(4, "big"))
    if more_keys:
        items = b"".join(b"S" + _long(key.encode(errors="surrogateescape")) for key in more_keys)
        found = with_header(found, _CC, b"A" + _long(items))
    return found


def _long(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data
