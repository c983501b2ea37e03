"""The bindings of a tap, which gets a copy of what passes an exchange, and what it changes for others. No I/O.

A binding is never without effect. A message that no binding matched before is now routed: its alternate exchange
does not get it, and a publisher that asked with `mandatory` does not get it back. Tried on 3.10, 4.0 and 4.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from shlex import quote
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.errors import InvalidInput
from attune_infra.topology.facts.exchanges import show_exchange_name
from attune_infra.topology.facts.plugin_exchanges import CHOOSING_ONE, LOCAL_RANDOM
from attune_infra.topology.facts.releases import NEWEST
from attune_infra.topology.model import Argument, Arguments, Binding, Exchange, Topology, freeze
from attune_infra.topology.routing.headers import criteria_of, demands_any
from attune_infra.topology.routing.route import Routing
from attune_infra.topology.routing.topic_keys import find_covered
from attune_infra.topology.words import counted, guess

COUNTING, OVERFLOWING = ".dropped", ".more"
"""Ends of the names of the private queues beside that of a tap, which count dropped messages."""
_EVERY_KEY: Final = "#"
_TRACE: Final = "amq.rabbitmq.trace"
"""The exchange to which RabbitMQ copies all messages of a virtual host, if it is told to."""
_OWN_TYPES: Final = frozenset({"direct", "fanout", "topic", "headers"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The messages of an exchange that somebody wants to see: all, or those that one binding would match.

    With `only_routed`, only those that other bindings match too.
    """

    exchange: str
    key: str | None = None
    headers: Arguments | None = None
    only_routed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tap:
    """The bindings of a tap to its queue, and a sentence for each thing that a user should know of them."""

    exchange: Exchange
    bindings: tuple[Binding, ...]
    remarks: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The tap in words: its exchange, and the key if there is one."""
        keys = {each.routing_key for each in self.bindings}
        match self.exchange.routing_type:
            case "fanout" | "headers":
                how = counted(len(self.bindings), "binding")
            case _ if len(keys) == 1:
                how = f"routing key '{next(iter(keys))}'"
            case _:
                how = f"{len(keys)} routing keys"
        return f"exchange {self.exchange.name} is tapped with {how}"


def plan_tap(wish: Wish, topology: Topology, queue: str) -> Tap:
    """Return the tap for a wish; raise `InvalidInput` if the exchange cannot be tapped, or not like this.

    `topology` is that of the broker, private queues included.
    """
    routing = Routing(topology, version=topology.version or NEWEST)
    exchange = _exchange(wish.exchange, routing)
    _check_kind(wish, exchange)
    others = routing.bindings_of(exchange.name)
    if exchange.auto_delete and not others:
        raise InvalidInput(
            f"exchange '{exchange.name}' is auto-delete and has no binding: it would be deleted with the tap",
            hint="tap it as soon as it is bound",
        )
    bindings = tuple(_bindings(wish, exchange, others, queue))
    if not bindings:
        raise InvalidInput(
            f"exchange '{exchange.name}' has no bindings, so no message of it is routed",
            hint=_without_bindings(exchange),
        )
    remarks = [*_narrowness(wish, exchange, bindings), *_effects(exchange, bindings, others, routing)]
    return Tap(exchange=exchange, bindings=bindings, remarks=tuple(remarks))


def _exchange(name: str, routing: Routing) -> Exchange:
    found = routing.exchange(name)
    if found is None:
        known = routing.topology.exchanges
        raise InvalidInput(
            f"exchange '{name}' does not exist{guess(name, known)}", hint="`attune-infra graph --live` shows all"
        )
    if not found.name:
        raise InvalidInput(
            "the default exchange takes no bindings, so it cannot be tapped",
            hint="let RabbitMQ copy what passes it, which slows the broker, and tap the copies: "
            f"`rabbitmqctl trace_on -p VHOST`, then `attune-infra tap {_TRACE} publish.`, then `trace_off`",
        )
    return found


def _check_kind(wish: Wish, exchange: Exchange) -> None:
    """Raise `InvalidInput` for a type that a tap would disturb, and for a wish that it cannot fulfil."""
    kind = exchange.routing_type
    if kind in CHOOSING_ONE | {LOCAL_RANDOM}:
        raise InvalidInput(
            f"exchange '{exchange.name}' is of type {exchange.type}, which hands each message to one binding: "
            "a tap would take messages away from the others",
            hint="tap an exchange before it, or add an exchange of type fanout in between",
        )
    if kind not in _OWN_TYPES:
        raise InvalidInput(
            f"exchange '{exchange.name}' is of type {exchange.type}: only its plugin knows what it routes",
            hint="tap an exchange before it",
        )
    if wish.key is not None and kind in {"fanout", "headers"}:
        more = "; --header selects by headers" if kind == "headers" else ""
        raise InvalidInput(
            f"exchange '{exchange.name}' is of type {exchange.type}, which looks at no routing key",
            hint=f"leave out the key '{wish.key}'{more}",
        )
    if wish.headers is not None and kind != "headers":
        raise InvalidInput(
            f"exchange '{exchange.name}' is of type {exchange.type}, which looks at no headers",
            hint="leave out --header; it is for exchanges of type headers",
        )
    if wish.only_routed and (wish.key is not None or wish.headers is not None):
        raise InvalidInput(
            "--only-routed takes over the bindings that the exchange has, and a binding is given too",
            hint="leave out one of them",
        )


def _bindings(wish: Wish, exchange: Exchange, others: Sequence[Binding], queue: str) -> Iterator[Binding]:
    """Yield the bindings of the tap, each once."""
    kind, key, arguments = exchange.routing_type, wish.key or "", dict[str, Argument]()
    if wish.only_routed or (kind == "direct" and wish.key is None):
        for each in _taken_over(kind, others):
            yield replace(each, destination_type="queue", destination=queue)
        return
    if kind == "topic" and wish.key is None:
        key = _EVERY_KEY
    if wish.headers:
        arguments = {"x-match": "all", **wish.headers}
    yield Binding(source=exchange.name, destination=queue, routing_key=key, arguments=arguments)


def _taken_over(kind: str, others: Sequence[Binding]) -> Iterable[Binding]:
    """Return one of the bindings of an exchange for each thing that it looks at: nothing, a key, or headers."""
    if kind == "fanout":
        return [replace(each, routing_key="", arguments={}, key_is_text=True) for each in others[:1]]
    if kind == "headers":
        return {
            freeze(each.arguments): replace(each, routing_key="", key_is_text=True) for each in others
        }.values()
    return {each.routing_key: replace(each, arguments={}) for each in others if each.key_is_text}.values()


def _without_bindings(exchange: Exchange) -> str:
    if exchange.routing_type == "direct":
        return "give a routing key to wait for: attune-infra tap " + f"{quote(exchange.name)} KEY"
    return "leave out --only-routed to see messages that are lost, or that an alternate exchange takes"


def _narrowness(wish: Wish, exchange: Exchange, bindings: Sequence[Binding]) -> Iterator[str]:
    """Yield the sentence that other messages are not seen, if the user did not ask for that."""
    if exchange.routing_type == "direct" and wish.key is None and not wish.only_routed:
        keys = counted(len({each.routing_key for each in bindings}), "routing key")
        yield (
            f"exchange {exchange.name} is of type direct: the tap has the {keys} of its bindings, "
            "and sees no message with another one"
        )


def _effects(
    exchange: Exchange, bindings: Sequence[Binding], others: Sequence[Binding], routing: Routing
) -> Iterator[str]:
    """Yield the sentence for messages that take another way while the tap is bound, if there can be any."""
    alternate = routing.alternate_of(exchange)
    if not all(_is_covered(each, others, exchange) for each in bindings):
        if alternate is not None:
            yield (
                "warning: while the tap is bound, a message that no other binding matches no longer goes to the "
                f"alternate exchange {show_exchange_name(alternate)}; --only-routed leaves it on its way"
            )
        else:
            yield (
                "warning: while the tap is bound, a message that no other binding matches counts as routed, so "
                "`mandatory` does not return it; --only-routed leaves it out"
            )
        return
    to_queues = [each for each in others if each.destination_type == "queue"]
    if not all(_is_covered(each, to_queues, exchange) for each in bindings):
        yield (
            "warning: while the tap is bound, a message counts as routed even if the exchanges bound to "
            f"{exchange.name} lead it to no queue, so `mandatory` does not return it"
        )


def _is_covered(binding: Binding, others: Sequence[Binding], exchange: Exchange) -> bool:
    """Return whether one other binding certainly matches all that a binding matches."""
    match exchange.routing_type:
        case "fanout":
            return bool(others)
        case "direct":
            return any(each.routing_key == binding.routing_key for each in others if each.key_is_text)
        case "topic":
            keys = {each.routing_key for each in others if each.key_is_text}
            own = binding.routing_key
            return own in keys or any(key == own for key, _ in find_covered([*sorted(keys), own]))
        case _:
            return any(_takes_all(each.arguments) or _same(each, binding) for each in others)


def _takes_all(arguments: Arguments) -> bool:
    """Return whether a headers binding matches every message."""
    return not criteria_of(arguments) and not demands_any(arguments)


def _same(one: Binding, other: Binding) -> bool:
    has_same_criteria = repr(criteria_of(one.arguments)) == repr(criteria_of(other.arguments))
    return has_same_criteria and demands_any(one.arguments) == demands_any(other.arguments)
