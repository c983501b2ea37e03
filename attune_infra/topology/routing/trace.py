"""The whole story of a message: where it goes, and from each queue its next life, to where it ends or is lost.

A message leaves a queue otherwise than by a consumer who takes it for up to four causes, each told only where it
can occur. It is then discarded if the queue has no dead letter exchange, which is how the topology wants it;
but where one is wanted and leads nowhere, the message is lost without a trace, and so is one that came round a
cycle without ever being rejected, which RabbitMQ drops. Not asked: how long anything takes, and the expiration
that a single message may bring along.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from attune_infra.errors import ExitCode
from attune_infra.topology.facts.releases import FIRST_WITH_DEFAULT_DELIVERY_LIMIT, FIRST_WITH_LAST_DEATH, Version
from attune_infra.topology.model import Argument, Binding, Message, Queue, frozen
from attune_infra.topology.policy import effective_arguments
from attune_infra.topology.routing.cycles import cycles
from attune_infra.topology.routing.route import Routed, Routing
from attune_infra.topology.routing.routes import differing, discrepancies
from attune_infra.topology.routing.why import why_not

DEFAULT_DELIVERY_LIMIT: Final = 20


class Reason(StrEnum):
    """Why RabbitMQ takes a message out of a queue, in its own words."""

    REJECTED = "rejected"
    EXPIRED = "expired"
    MAXLEN = "maxlen"
    DELIVERY_LIMIT = "delivery_limit"


class Ending(StrEnum):
    """What becomes of a message that leaves a queue."""

    GOES_ON = "goes_on"
    DISCARDED = "discarded"
    KEPT = "kept"
    NO_EXCHANGE = "no_exchange"
    NO_QUEUE = "no_queue"

    @property
    def is_loss(self) -> bool:
        return self in {Ending.NO_EXCHANGE, Ending.NO_QUEUE}


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a message may leave a queue, and the argument or policy key that makes it so, with its value."""

    reason: Reason
    argument: str | None = None
    value: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """One way out of a queue, for all the causes that lead the same way.

    `routed` is where the dead letter went, None without a dead letter exchange. `lives` are the places in
    `Trace.lives` of what comes next, in the order of the queues that it reached and then of those it may have.
    `rounds` are those queues in which it may have been before. Into the `dropped` of these RabbitMQ lets no
    message that came round without ever being rejected.
    """

    causes: tuple[Cause, ...]
    ending: Ending
    exchange: str | None = None
    routed: Routed | None = None
    lives: tuple[int, ...] = ()
    rounds: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    @property
    def is_loss(self) -> bool:
        return self.ending.is_loss or bool(self.dropped)

    @property
    def is_automatic(self) -> bool:
        """Whether a message can go this way although nobody rejects it."""
        return any(cause.reason is not Reason.REJECTED for cause in self.causes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A message in a queue, with the routing key and headers that it has there, and its ways out.

    `has_died` says whether it came as a dead letter.
    """

    queue: Queue
    message: Message
    has_died: bool = False
    deaths: tuple[Death, ...] = ()


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A binding of an exchange that a message came to, and why it does not match."""

    binding: Binding
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The story of a message. The first lives are those in `routed.queues` and then `routed.possible`.

    `expected` are the names of the queues it should reach and no other, None if nobody said, and `unmet` are words
    for each that is not so. `unmatched` are the bindings that did not match anywhere on its way, None if nobody
    asked.
    """

    routed: Routed
    version: Version
    lives: tuple[Life, ...] = ()
    expected: tuple[str, ...] | None = None
    unmet: tuple[str, ...] = ()
    unmatched: tuple[Unmatched, ...] | None = None

    @property
    def is_unroutable(self) -> bool:
        return not (self.routed.queues or self.routed.possible)

    def losses(self) -> Iterator[tuple[Life, Death]]:
        """Yield the ways on which the message is lost."""
        yield from ((life, death) for life in self.lives for death in life.deaths if death.is_loss)

    @property
    def exit_code(self) -> ExitCode:
        """Drift, if the message reaches no queue, or not those it should, or is lost on a way it can take."""
        is_wrong = self.is_unroutable and self.expected != ()
        return ExitCode.DRIFT if is_wrong or self.unmet or any(self.losses()) else ExitCode.DONE


def trace(
    routing: Routing, message: Message, *, expected: Iterable[str] | None = None, explain: bool = False
) -> Trace:
    """Follow a message that a client publishes."""
    routed = routing.publish(message)
    lives = _Lives(routing).of(routed)
    everywhere = [routed, *(death.routed for life in lives for death in life.deaths if death.routed is not None)]
    wanted = None if expected is None else tuple(sorted(set(expected)))
    missing, surplus = ([], []) if wanted is None else differing(wanted, routed.queues, routed.possible)
    return Trace(
        routed=routed,
        version=routing.version,
        lives=lives,
        expected=wanted,
        unmet=discrepancies(routed, missing, surplus, routing, routing),
        unmatched=tuple(dict.fromkeys(_unmatched(routing, everywhere))) if explain else None,
    )


def _unmatched(routing: Routing, everywhere: Iterable[Routed]) -> Iterator[Unmatched]:
    for routed in everywhere:
        for hop in routed.hops:
            matched = set(hop.matched)
            for binding in routing.bindings_of(hop.exchange.name):
                if binding not in matched:
                    yield Unmatched(binding, why_not(binding, hop.exchange, routed.message, routing.version))


def causes_of(queue: Queue, arguments: Mapping[str, Argument], version: Version) -> Iterator[Cause]:
    """Yield why a message may leave a queue; `arguments` are those in effect, policies included."""
    if queue.type == "stream":
        return
    yield Cause(Reason.REJECTED)
    ttl = arguments.get("x-message-ttl")
    if isinstance(ttl, int):
        yield Cause(Reason.EXPIRED, "x-message-ttl", ttl)
    is_quorum = queue.type == "quorum"
    overflow = arguments.get("x-overflow")
    for name in ("x-max-length", "x-max-length-bytes") if overflow != "reject-publish" else ():
        if isinstance(length := arguments.get(name), int):
            yield Cause(Reason.MAXLEN, name, length)
    default = DEFAULT_DELIVERY_LIMIT if version >= FIRST_WITH_DEFAULT_DELIVERY_LIMIT else None
    limit = arguments.get("x-delivery-limit", default)
    is_no_limit = version >= FIRST_WITH_DEFAULT_DELIVERY_LIMIT and isinstance(limit, int) and limit < 0
    if is_quorum and isinstance(limit, int) and not is_no_limit:
        yield Cause(Reason.DELIVERY_LIMIT, "x-delivery-limit", limit)


def dead_letter(life: Life, reason: Reason, exchange: str, key: str | None, version: Version) -> Message:
    """Return a message as its dead letter exchange gets it.

    Without a key of its own, a dead letter keeps the keys it came with, those of CC and BCC too. Headers tell of
    its first death and, since RabbitMQ 4.0, of its last one, whatever the publisher wrote there; a headers
    exchange may look at them.
    """
    headers = dict(life.message.headers)
    if key is not None:
        headers.pop("CC", None)
        headers.pop("BCC", None)
    told: dict[str, Argument] = {
        "reason": str(reason),
        "queue": life.queue.name,
        "exchange": life.message.exchange,
    }
    for name, value in told.items():
        if not life.has_died:
            headers[f"x-first-death-{name}"] = value
        if version >= FIRST_WITH_LAST_DEATH:
            headers[f"x-last-death-{name}"] = value
    return Message(
        exchange=exchange, routing_key=life.message.routing_key if key is None else key, headers=headers
    )


@dataclass(slots=True)
class _Lives:
    """The lives of a message, found one after another; each that is different in anything that counts, once."""

    routing: Routing
    found: list[Life] = field(default_factory=list)
    places: dict[object, int] = field(default_factory=dict)
    waiting: deque[int] = field(default_factory=deque)

    def of(self, routed: Routed) -> tuple[Life, ...]:
        self._arrived(routed, has_died=False)
        while self.waiting:
            place = self.waiting.popleft()
            self.found[place] = replace(self.found[place], deaths=tuple(self._deaths(self.found[place])))
        return _with_cycles(self.found)

    def _arrived(self, routed: Routed, *, has_died: bool) -> tuple[int, ...]:
        return tuple(
            self._place(name, routed.message, has_died=has_died) for name in (*routed.queues, *routed.possible)
        )

    def _place(self, name: str, message: Message, *, has_died: bool) -> int:
        if self.routing.sees_deaths:
            state = (name, message.routing_key, frozen(dict(message.headers)), has_died)
        else:
            state = (name, message.routing_key, frozen(dict(_without_deaths(message.headers))), False)
        if state not in self.places:
            self.places[state] = len(self.found)
            self.waiting.append(len(self.found))
            self.found.append(Life(queue=self._queue(name), message=message, has_died=has_died))
        return self.places[state]

    def _queue(self, name: str) -> Queue:
        """Return a queue with the type that it is of."""
        topology = self.routing.topology
        queue = topology.queues[name]
        return replace(queue, type=topology.type_of(queue))

    def _deaths(self, life: Life) -> Iterator[Death]:
        arguments = effective_arguments(life.queue, self.routing.topology)
        exchange, key = (arguments.get(f"x-dead-letter-{name}") for name in ("exchange", "routing-key"))
        causes = tuple(causes_of(life.queue, arguments, self.routing.version))
        if not isinstance(exchange, str):
            yield from [Death(causes=causes, ending=Ending.DISCARDED)] if causes else []
            return
        is_kept = (
            life.queue.type == "quorum"
            and arguments.get("x-dead-letter-strategy") == "at-least-once"
            and arguments.get("x-overflow") == "reject-publish"
        )
        ways: dict[object, Death] = {}
        for cause in causes:
            way = self._way(life, cause, exchange, key if isinstance(key, str) else None, is_kept=is_kept)
            same = (way.ending, way.lives)
            ways[same] = replace(ways[same], causes=(*ways[same].causes, cause)) if same in ways else way
        yield from ways.values()

    def _way(self, life: Life, cause: Cause, exchange: str, key: str | None, *, is_kept: bool) -> Death:
        message = dead_letter(life, cause.reason, exchange, key, self.routing.version)
        routed = self.routing.route(message)
        lives = self._arrived(routed, has_died=True)
        if lives:
            ending = Ending.GOES_ON
        elif is_kept:
            ending = Ending.KEPT
        else:
            ending = Ending.NO_QUEUE if routed.hops else Ending.NO_EXCHANGE
        return Death(causes=(cause,), ending=ending, exchange=exchange, routed=routed, lives=lives)


def _without_deaths(headers: Mapping[str, Argument]) -> Mapping[str, Argument]:
    return {
        name: value for name, value in headers.items() if not name.startswith(("x-first-death-", "x-last-death-"))
    }


def _with_cycles(lives: list[Life]) -> tuple[Life, ...]:
    """Return the lives with the queues to which a message comes round.

    RabbitMQ drops a dead letter on its way into a queue in which it died before if it was not rejected since.
    """
    rounds, automatic = _Rounds(lives, of=lambda _: True), _Rounds(lives, of=lambda death: death.is_automatic)
    return tuple(
        replace(
            life,
            deaths=tuple(
                replace(death, rounds=rounds.at(place, death), dropped=automatic.at(place, death))
                for death in life.deaths
            ),
        )
        for place, life in enumerate(lives)
    )


class _Rounds:
    """Which queues a message comes round to, by deaths of a kind."""

    def __init__(self, lives: list[Life], of: Callable[[Death], bool]) -> None:
        self.lives, self.of = lives, of
        self.following = {
            place: {each for death in life.deaths if of(death) for each in death.lives}
            for place, life in enumerate(lives)
        }
        self.cycle = {place: number for number, members in enumerate(cycles(self.following)) for place in members}
        self.beginnings: dict[str, list[int]] = defaultdict(list)
        for place, life in enumerate(lives):
            self.beginnings[life.queue.name].append(place)
        self.reached: dict[str, set[int]] = {}

    def at(self, place: int, death: Death) -> tuple[str, ...]:
        """Return the queues that a death in this life leads to, and that lead back to it."""
        targets = death.lives if self.of(death) else ()
        return tuple(sorted({self.lives[each].queue.name for each in targets if self._leads_back(each, place)}))

    def _leads_back(self, target: int, place: int) -> bool:
        """Return whether this life comes after any in the queue of the next one, which may have been another."""
        if place in self.cycle and self.cycle.get(target) == self.cycle[place]:
            return True
        queue = self.lives[target].queue.name
        return len(self.beginnings[queue]) > 1 and place in self._reached(queue)

    def _reached(self, queue: str) -> set[int]:
        if queue not in self.reached:
            waiting = list(self.beginnings[queue])
            found = self.reached[queue] = set(waiting)
            while waiting:
                new = self.following[waiting.pop()] - found
                found |= new
                waiting.extend(new)
        return self.reached[queue]
