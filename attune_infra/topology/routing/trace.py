"""The whole story of a message: the queues it reaches and, as a dead letter, all the queues after them.

Unless a consumer takes it, a message leaves a queue for one of up to four causes. RabbitMQ discards it if the
queue has no dead letter exchange, which is what the topology says. The message is lost if there is one that leads
nowhere, and if it comes round a cycle without ever being rejected. A quorum queue with the dead letter strategy
at-least-once keeps a message whose dead letter exchange leads nowhere, and such messages fill it. Durations are
not considered, nor the expiration that a publisher may give to a single message.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field, replace
from enum import StrEnum
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode
from attune_infra.topology.facts.arguments import keeps_dead_letters
from attune_infra.topology.facts.releases import FIRST_WITH_DEFAULT_DELIVERY_LIMIT, FIRST_WITH_LAST_DEATH, Version
from attune_infra.topology.facts.unavailable import unlisted
from attune_infra.topology.model import Argument, Binding, Exchange, Message, Queue, freeze
from attune_infra.topology.policy import effective_arguments, tied_policies
from attune_infra.topology.routing.cycles import cycles
from attune_infra.topology.routing.route import Routed, Routing
from attune_infra.topology.routing.routes import compare_queues, describe_discrepancies
from attune_infra.topology.routing.why import why_not

DEFAULT_DELIVERY_LIMIT: Final = 20


class Reason(StrEnum):
    """A reason for which RabbitMQ takes a message out of a queue, in its own words."""

    REJECTED = "rejected"
    EXPIRED = "expired"
    MAXLEN = "maxlen"
    DELIVERY_LIMIT = "delivery_limit"


class Ending(StrEnum):
    """The fate of a message that leaves a queue."""

    GOES_ON = "goes_on"
    DISCARDED = "discarded"
    LEAVES = "leaves"
    """It goes on through an external exchange or queue; to which queues is not known."""
    KEPT = "kept"
    NO_EXCHANGE = "no_exchange"
    NO_QUEUE = "no_queue"

    @property
    def is_loss(self) -> bool:
        return self in {Ending.NO_EXCHANGE, Ending.NO_QUEUE}


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause for which a message may leave a queue, with the argument behind it and its value in effect."""

    reason: Reason
    argument: str | None = None
    value: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """One way out of a queue, for all the causes that lead the same way.

    `routed` is the route of the dead letter, None without a known dead letter exchange. `lives` are indexes into
    `Trace.lives`: first of the queues that the dead letter reaches, then of those that it may reach. `rounds` are
    the queues among these that the message may have been in before. RabbitMQ drops the message instead of putting
    it into one of the `dropped` queues, if it came round without ever being rejected.
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
        """True if a message can go this way without being rejected."""
        return any(cause.reason is not Reason.REJECTED for cause in self.causes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A message in a queue, with the routing key and headers that it has there, and its ways out.

    `has_died` is true if it came as a dead letter.
    """

    queue: Queue
    message: Message
    has_died: bool = False
    deaths: tuple[Death, ...] = ()


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A binding of an exchange that the message visits, and the reason why it does not match."""

    binding: Binding
    why: str


@dataclass(frozen=True, slots=True)
class Tie:
    """An object on the way, and the names of policies of one priority that apply to it."""

    object: Exchange | Queue
    policies: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The story of a message. The first lives are those in `routed.queues`, then those in `routed.possible`.

    `expected` are the names of exactly the queues that it should reach, None if there is no expectation. `unmet`
    has a sentence for each difference. `unmatched` are the bindings that do not match on the whole way, None
    unless asked for. `tied` has the policies of one priority on the way: only the broker knows which is in effect.
    `unlisted` are queues that are down, and whose bindings the broker does not list: it may reach them too.
    """

    routed: Routed
    version: Version
    lives: tuple[Life, ...] = ()
    tied: tuple[Tie, ...] = ()
    expected: tuple[str, ...] | None = None
    unmet: tuple[str, ...] = ()
    unmatched: tuple[Unmatched, ...] | None = None
    unlisted: tuple[str, ...] = ()

    @property
    def is_unroutable(self) -> bool:
        return not (self.routed.queues or self.routed.possible or self.routed.leaves)

    def losses(self) -> Iterator[tuple[Life, Death]]:
        """Yield the ways out of queues on which the message is lost."""
        yield from ((life, death) for life in self.lives for death in life.deaths if death.is_loss)

    def stuck(self) -> Iterator[Life]:
        """Yield the lives in queues that keep the message as a dead letter, with no way to another queue."""
        yield from (life for life in self.lives if any(death.ending is Ending.KEPT for death in life.deaths))

    @property
    def exit_code(self) -> ExitCode:
        """Drift, if the message reaches no queue, or other queues than expected, or can be lost or stuck."""
        is_wrong = self.is_unroutable and self.expected != ()
        ends_badly = any(self.losses()) or any(self.stuck())
        return ExitCode.DRIFT if is_wrong or self.unmet or ends_badly else ExitCode.DONE


def trace(
    routing: Routing, message: Message, *, expected: Iterable[str] | None = None, explain: bool = False
) -> Trace:
    """Follow a message that a client publishes."""
    routed = routing.publish(message)
    lives = _Lives(routing).of(routed)
    everywhere = [routed, *(death.routed for life in lives for death in life.deaths if death.routed is not None)]
    wanted = None if expected is None else tuple(sorted(set(expected)))
    unmet: tuple[str, ...] = ()
    if wanted is not None:
        missing, surplus = compare_queues(wanted, routed.queues, routed.possible)
        unmet = describe_discrepancies(routed, missing, surplus, routing, routing)
    return Trace(
        routed=routed,
        version=routing.version,
        lives=lives,
        tied=tuple(_ties(routing, lives, everywhere)),
        expected=wanted,
        unmet=unmet,
        unmatched=tuple(dict.fromkeys(_unmatched(routing, everywhere))) if explain else None,
        unlisted=unlisted(routing.topology) if _visits_bindings(everywhere) else (),
    )


def _visits_bindings(everywhere: Iterable[Routed]) -> bool:
    """Return whether a message visits an exchange that may have more bindings than the broker lists."""
    return any(hop.exchange.name for routed in everywhere for hop in routed.hops)


def _ties(routing: Routing, lives: Iterable[Life], everywhere: Iterable[Routed]) -> Iterator[Tie]:
    exchanges = {hop.exchange.name: hop.exchange for routed in everywhere for hop in routed.hops}
    queues = {life.queue.name: life.queue for life in lives}
    items: list[Exchange | Queue] = [*exchanges.values(), *queues.values()]
    for item in items:
        if tied := tied_policies(item, routing.topology):
            yield Tie(item, tuple(policy.name for policy in tied))


def _unmatched(routing: Routing, everywhere: Iterable[Routed]) -> Iterator[Unmatched]:
    for routed in everywhere:
        for hop in routed.hops:
            matched = set(hop.matched)
            for binding in routing.bindings_of(hop.exchange.name):
                if binding not in matched:
                    yield Unmatched(binding, why_not(binding, hop.exchange, routed.message, routing.version))


def causes_of(queue: Queue, arguments: Mapping[str, Argument], version: Version) -> Iterator[Cause]:
    """Yield the causes for which a message may leave a queue, by the arguments and policies in effect."""
    if queue.type == "stream":
        return
    yield Cause(Reason.REJECTED)
    ttl = arguments.get("x-message-ttl")
    if isinstance(ttl, int):
        yield Cause(Reason.EXPIRED, "x-message-ttl", ttl)
    if arguments.get("x-overflow") != "reject-publish":
        for name in ("x-max-length", "x-max-length-bytes"):
            if isinstance(length := arguments.get(name), int):
                yield Cause(Reason.MAXLEN, name, length)
    if queue.type == "quorum":
        yield from _delivery_limit(arguments, version)


def _delivery_limit(arguments: Mapping[str, Argument], version: Version) -> Iterator[Cause]:
    default = DEFAULT_DELIVERY_LIMIT if version >= FIRST_WITH_DEFAULT_DELIVERY_LIMIT else None
    limit = arguments.get("x-delivery-limit", default)
    is_no_limit = version >= FIRST_WITH_DEFAULT_DELIVERY_LIMIT and isinstance(limit, int) and limit < 0
    if isinstance(limit, int) and not is_no_limit:
        yield Cause(Reason.DELIVERY_LIMIT, "x-delivery-limit", limit)


def dead_letter(life: Life, reason: Reason, exchange: str, key: str | None, version: Version) -> Message:
    """Return a message as its dead letter exchange gets it.

    If the queue sets no routing key, the dead letter keeps its own, also those in CC and BCC. RabbitMQ writes
    headers about its first death and, since 4.0, about its last one, over those of the publisher. A headers
    exchange may match on them.
    """
    headers = dict(life.message.headers)
    if key is not None:
        headers.pop("CC", None)
        headers.pop("BCC", None)
    death: dict[str, Argument] = {
        "reason": str(reason),
        "queue": life.queue.name,
        "exchange": life.message.exchange,
    }
    for name, value in death.items():
        if not life.has_died:
            headers[f"x-first-death-{name}"] = value
        if version >= FIRST_WITH_LAST_DEATH:
            headers[f"x-last-death-{name}"] = value
    return Message(
        exchange=exchange, routing_key=life.message.routing_key if key is None else key, headers=headers
    )


@dataclass(slots=True)
class _Lives:
    """The lives of a message, found one after another; equivalent lives are found once."""

    routing: Routing
    found: list[Life] = field(default_factory=list)
    places: dict[object, int] = field(default_factory=dict)
    waiting: deque[int] = field(default_factory=deque)

    def of(self, routed: Routed) -> tuple[Life, ...]:
        self._add_lives(routed, has_died=False)
        while self.waiting:
            place = self.waiting.popleft()
            self.found[place] = replace(self.found[place], deaths=tuple(self._deaths(self.found[place])))
        return _with_cycles(self.found)

    def _add_lives(self, routed: Routed, *, has_died: bool) -> tuple[int, ...]:
        return tuple(
            self._add_life(name, routed.message, has_died=has_died) for name in (*routed.queues, *routed.possible)
        )

    def _add_life(self, name: str, message: Message, *, has_died: bool) -> int:
        if self.routing.sees_deaths:
            state = (name, message.routing_key, freeze(dict(message.headers)), has_died)
        else:
            state = (name, message.routing_key, freeze(dict(_without_deaths(message.headers))), False)
        if state not in self.places:
            self.places[state] = len(self.found)
            self.waiting.append(len(self.found))
            self.found.append(Life(queue=self._queue(name), message=message, has_died=has_died))
        return self.places[state]

    def _queue(self, name: str) -> Queue:
        """Return a queue with its type filled in."""
        queue = self.routing.topology.queues[name]
        return replace(queue, type=self.routing.topology.type_of(queue))

    def _deaths(self, life: Life) -> Iterator[Death]:
        arguments = effective_arguments(life.queue, self.routing.topology)
        exchange, key = (arguments.get(f"x-dead-letter-{name}") for name in ("exchange", "routing-key"))
        causes = tuple(causes_of(life.queue, arguments, self.routing.version))
        if not isinstance(exchange, str):
            if causes:
                yield Death(causes=causes, ending=Ending.LEAVES if life.queue.external else Ending.DISCARDED)
            return
        is_kept = keeps_dead_letters(life.queue.type or "", arguments)
        ways: dict[object, Death] = {}
        for cause in causes:
            way = self._way(life, cause, exchange, key if isinstance(key, str) else None, is_kept=is_kept)
            same = (way.ending, way.lives)
            ways[same] = replace(ways[same], causes=(*ways[same].causes, cause)) if same in ways else way
        yield from ways.values()

    def _way(self, life: Life, cause: Cause, exchange: str, key: str | None, *, is_kept: bool) -> Death:
        message = dead_letter(life, cause.reason, exchange, key, self.routing.version)
        routed = self.routing.route(message)
        lives = self._add_lives(routed, has_died=True)
        if lives:
            ending = Ending.GOES_ON
        elif routed.leaves:
            ending = Ending.LEAVES
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
    """Return the lives with the queues that a message comes back to.

    RabbitMQ drops a dead letter on its way into a queue in which it died before, if it was not rejected since.
    """
    rounds, automatic = _Rounds(lives, lambda _: True), _Rounds(lives, lambda death: death.is_automatic)
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
    """The queues that a message comes back to, if it goes only by deaths that `counts` accepts."""

    def __init__(self, lives: list[Life], counts: Callable[[Death], bool]) -> None:
        self.lives, self.counts = lives, counts
        self.following = {
            place: {each for death in life.deaths if counts(death) for each in death.lives}
            for place, life in enumerate(lives)
        }
        self.cycle = {place: number for number, members in enumerate(cycles(self.following)) for place in members}
        self.places_by_queue: dict[str, list[int]] = defaultdict(list)
        for place, life in enumerate(lives):
            self.places_by_queue[life.queue.name].append(place)
        self.reached: dict[str, set[int]] = {}

    def at(self, place: int, death: Death) -> tuple[str, ...]:
        """Return the queues that a death in this life leads to and that lead back to this life."""
        if not self.counts(death):
            return ()
        return tuple(
            sorted({self.lives[each].queue.name for each in death.lives if self._leads_back(each, place)})
        )

    def _leads_back(self, target: int, place: int) -> bool:
        """Return whether this life can come after the target, or after another life in the queue of the target."""
        if place in self.cycle and self.cycle.get(target) == self.cycle[place]:
            return True
        queue = self.lives[target].queue.name
        return len(self.places_by_queue[queue]) > 1 and place in self._reached(queue)

    def _reached(self, queue: str) -> set[int]:
        if queue not in self.reached:
            waiting = list(self.places_by_queue[queue])
            found = self.reached[queue] = set(waiting)
            while waiting:
                new = self.following[waiting.pop()] - found
                found |= new
                waiting.extend(new)
        return self.reached[queue]
