"""(topology, message) -> the exchanges it visits, the bindings that match, the queues it reaches.

A simulation of RabbitMQ, tried against 3.10, 4.0 and 4.3. A message visits each exchange once, so cycles of
bindings are harmless, and a queue gets one copy however many ways lead to it. Topic keys are in a trie and direct
keys in a table, so that the time for a message depends on the bindings that match and not on all that exist. The
later lives of a message are in `trace`, and the reasons why a binding matches are in `why`.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property
from operator import attrgetter
from typing import Final, Protocol, cast

from attune_infra.dataclass import dataclass
from attune_infra.topology.facts.exchanges import find_exchange
from attune_infra.topology.facts.plugin_exchanges import CHOOSING_ONE
from attune_infra.topology.facts.releases import NEWEST, Version
from attune_infra.topology.model import Binding, Exchange, Message, Topology, binding_order
from attune_infra.topology.policy import as_on_release, effective_definition
from attune_infra.topology.routing.gathered import add_another, gather, gathered_at
from attune_infra.topology.routing.headers import HeadersIndex, takes_x
from attune_infra.topology.routing.topic_keys import words_of
from attune_infra.topology.words import guess


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """An exchange that a message visits, and the bindings that match there.

    `alternate` is the alternate exchange that the message goes on to, since no binding matches. The visit is not
    `certain` if the message comes from an exchange whose plugin chooses among its bindings: all bindings of such
    an exchange count as matching.
    """

    exchange: Exchange
    matched: tuple[Binding, ...] = ()
    alternate: str | None = None
    certain: bool = True

    @property
    def is_understood(self) -> bool:
        """True if the message certainly takes the matching bindings: the type leaves nothing to choose."""
        if self.chooses_one:
            return len({(each.destination_type, each.destination) for each in self.matched}) <= 1
        return self.exchange.routing_type in _INDEXES

    @property
    def chooses_one(self) -> bool:
        """True if the message takes exactly one of the matching bindings."""
        return self.exchange.routing_type in CHOOSING_ONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """The route of a message: its hops in the order of their visit, and the names of the queues, sorted.

    A plugin chooses whether the message reaches the `possible` queues. `refused` is the reason why RabbitMQ
    refuses to take the message from a publisher.
    """

    message: Message
    hops: tuple[Hop, ...] = ()
    queues: tuple[str, ...] = ()
    possible: tuple[str, ...] = ()
    refused: str | None = None

    @property
    def leaves(self) -> bool:
        """True if the message visits an external exchange, which may lead to more than is known here."""
        return any(hop.exchange.external for hop in self.hops)


class Routing:
    """The routes of messages through one topology.

    The first message to visit an exchange indexes all of its bindings; later messages use the index.
    """

    def __init__(self, topology: Topology, *, version: Version = NEWEST) -> None:
        self.topology = as_on_release(topology, version)
        self.version = version
        self._indexes: dict[str, _BindingIndex] = {}

    @cached_property
    def sees_deaths(self) -> bool:
        """True if a binding could match on the headers that dead-lettering adds."""
        sources = map(self.exchange, self._by_source)
        return any(self._takes_x(each) for each in sources if each is not None and each.routing_type == "headers")

    def _takes_x(self, exchange: Exchange) -> bool:
        """Return whether criteria of a headers exchange may begin with `x-`; its index, if it has one, tells."""
        index = self._indexes.get(exchange.name)
        if isinstance(index, HeadersIndex):
            return index.takes_x
        return any(map(takes_x, map(attrgetter("arguments"), self._by_source[exchange.name])))

    def publish(self, message: Message) -> Routed:
        """Route a message that a client publishes."""
        refused = self._refusal(message)
        return Routed(message=message, refused=refused) if refused else self.route(message)

    def route(self, message: Message) -> Routed:
        """Route a message from an exchange, however it got there: as a dead letter, for instance."""
        hops: dict[str, Hop] = {}
        queues: dict[bool, set[str]] = {True: set(), False: set()}
        certain, possible = deque([message.exchange]), deque[str]()
        while certain or possible:
            is_certain = bool(certain)
            name = (certain or possible).popleft()
            exchange = self.exchange(name)
            if name in hops or exchange is None:
                continue
            hop = hops[name] = self._hop(exchange, message, certain=is_certain)
            is_certain = is_certain and hop.is_understood
            following = certain if is_certain else possible
            for binding in hop.matched:
                if binding.destination_type == "queue":
                    queues[is_certain].add(binding.destination)
                else:
                    following.append(binding.destination)
            if hop.alternate is not None:
                following.append(hop.alternate)
        return Routed(
            message=message,
            hops=tuple(hops.values()),
            queues=tuple(sorted(queues[True])),
            possible=tuple(sorted(queues[False] - queues[True])),
        )

    def queues(self, exchange: str, routing_key: str) -> frozenset[str]:
        """Return the queues that `route` finds for a message without headers.

        This is faster than `route` if the matching bindings lead straight to queues.
        """
        if not exchange:
            return frozenset({routing_key} & self.topology.queues.keys())
        source = self.exchange(exchange)
        if source is not None and source.routing_type in _INDEXES:
            matched = self._index(source).with_key(routing_key)
            if (matched or self.alternate_of(source) is None) and (found := _direct_queues(matched)) is not None:
                return found
        return frozenset(self.route(Message(exchange=exchange, routing_key=routing_key)).queues)

    def exchange(self, name: str) -> Exchange | None:
        """Return an exchange by its name, also one of RabbitMQ's own; None if there is none."""
        return find_exchange(name, self.topology.exchanges)

    def bindings_of(self, exchange: str) -> tuple[Binding, ...]:
        """Return all bindings from an exchange, sorted."""
        return _sorted(self._by_source.get(exchange, ()))

    def alternate_of(self, exchange: Exchange) -> str | None:
        """Return the name of the alternate exchange, by argument or else by policy; None if there is none."""
        found = exchange.arguments.get("alternate-exchange")
        if found is None and self.topology.policies:
            found = effective_definition(exchange, self.topology).get("alternate-exchange")
        return found if isinstance(found, str) else None

    def _hop(self, exchange: Exchange, message: Message, *, certain: bool) -> Hop:
        matched = self._matching(exchange, message)
        takes_a_binding = exchange.routing_type in _INDEXES or exchange.routing_type in CHOOSING_ONE
        alternate = None if matched and takes_a_binding else self.alternate_of(exchange)
        return Hop(exchange=exchange, matched=matched, alternate=alternate, certain=certain)

    def _matching(self, exchange: Exchange, message: Message) -> tuple[Binding, ...]:
        if not exchange.name:
            if message.exchange:
                return ()  # as an alternate exchange, the default exchange routes nothing
            keys = [key for key in message.routing_keys if key in self.topology.queues]
            return tuple(Binding(source="", destination=key, routing_key=key) for key in keys)
        return _sorted(self._index(exchange).matching(message))

    def _refusal(self, message: Message) -> str | None:
        exchange = self.exchange(message.exchange)
        if exchange is None:
            return f"there is no exchange '{message.exchange}'{guess(message.exchange, self.topology.exchanges)}"
        if exchange.internal:
            return f"exchange '{message.exchange}' is internal: clients cannot publish to it"
        for name in ("CC", "BCC"):
            keys = message.headers.get(name, [])
            if not (isinstance(keys, list) and all(isinstance(key, str) for key in keys)):
                return f"header {name} must be an array of strings"
        return None

    def _index(self, exchange: Exchange) -> _BindingIndex:
        if exchange.name not in self._indexes:
            kind = _INDEXES.get(exchange.routing_type, _AllBindings)
            self._indexes[exchange.name] = kind(self._by_source.get(exchange.name, ()), self.version)
        return self._indexes[exchange.name]

    @cached_property
    def _by_source(self) -> Mapping[str, Sequence[Binding]]:
        """The bindings from each exchange, except those to a missing end, which RabbitMQ would not have either."""
        found: dict[str, list[Binding]] = defaultdict(list)
        queues = self.topology.queues
        for binding in self.topology.bindings:
            if binding.destination_type == "queue":
                is_there = binding.destination in queues
            else:
                is_there = self.exchange(binding.destination) is not None
            if is_there:
                found[binding.source].append(binding)
        return found


class _BindingIndex(Protocol):
    """The bindings of one exchange."""

    def matching(self, message: Message) -> Iterable[Binding]: ...

    def with_key(self, key: str) -> Collection[Binding]:
        """Return the bindings that match a message with a routing key and no headers."""


class _AllBindings:
    """Bindings that all match: those of a fanout exchange, or of a type whose plugin chooses among them."""

    def __init__(self, bindings: Sequence[Binding], version: Version) -> None:
        self.bindings, self.version = bindings, version

    def matching(self, _: Message) -> Iterable[Binding]:
        return self.bindings

    def with_key(self, _: str) -> Collection[Binding]:
        return self.bindings


class _DirectBindings(_AllBindings):
    """Bindings by their routing key."""

    def __init__(self, bindings: Sequence[Binding], version: Version) -> None:
        super().__init__(bindings, version)
        texts = [binding for binding in bindings if binding.key_is_text]
        self._by_key = gather((binding.routing_key for binding in texts), texts)

    def matching(self, message: Message) -> Iterable[Binding]:
        return [binding for key in message.routing_keys for binding in self.with_key(key)]

    def with_key(self, key: str) -> Collection[Binding]:
        return gathered_at(self._by_key, key)


class _TopicBindings(_AllBindings):
    """Bindings whose keys have no wildcard, by their key; all others in a trie of the words of their keys.

    `*` matches one word, which may be empty, and `#` any number of words.
    """

    def __init__(self, bindings: Sequence[Binding], version: Version) -> None:
        super().__init__(bindings, version)
        literal: dict[str, Binding | list[Binding]] = {}
        patterns: dict[str, list[Binding]] = defaultdict(list)
        for binding in bindings:  # a million: each is looked at once
            key = binding.routing_key
            if not binding.key_is_text:
                continue
            if "*" in key or "#" in key:
                patterns[key.partition(".")[0]].append(binding)
            elif (found := literal.setdefault(key, binding)) is not binding:
                add_another(literal, key, found, binding)
        self._literal = literal
        self.root = _Word.before(patterns)

    def matching(self, message: Message) -> Iterable[Binding]:
        keys = message.routing_keys
        if len(keys) == 1:
            return self.with_key(keys[0])
        return {id(binding): binding for key in keys for binding in self.with_key(key)}.values()

    def with_key(self, key: str) -> Collection[Binding]:
        found = [binding for node in self._nodes(words_of(key)) for binding in node.bindings]
        return [*gathered_at(self._literal, key), *found]

    def _nodes(self, words: Sequence[str]) -> Iterable[_Word]:
        """Return the last nodes of the keys that match; a word visits each node once, so `#` is cheap."""
        here = self.root.with_no_word()
        for word in words:
            found = [node for before in here for node in before.after(word)]
            here = list(dict.fromkeys(found)) if len(found) > 1 else found
        return here


class _Word:
    """A node of the trie: a word of topic keys, with the words that follow it and the bindings that end there.

    The nodes after it are made when a message gets there: a million keys have as many, and a message visits few.
    Until then, the bindings themselves are in the place of a node. `start` is the place in their keys where the
    next word begins, the same for all, since the words before are.
    """

    __slots__ = ("_following", "_start", "bindings", "is_hash")

    def __init__(self, bindings: Iterable[Binding], start: int, *, is_hash: bool) -> None:
        self.bindings: list[Binding] = []
        self.is_hash, self._start = is_hash, start
        following: dict[str, Binding | list[Binding]] = {}
        for binding in bindings:
            key = binding.routing_key
            if start > len(key):
                self.bindings.append(binding)
                continue
            end = key.find(".", start)
            word = key[start:] if end < 0 else key[start:end]
            if (found := following.setdefault(word, binding)) is not binding:
                add_another(following, word, found, binding)
        self._following = cast(dict[str, _Word | Binding | list[Binding]], following)

    @classmethod
    def before(cls, following: Mapping[str, list[Binding]]) -> _Word:
        """Return the node before bindings by the first words of their keys."""
        found = cls((), 0, is_hash=False)
        found._following.update(following)
        return found

    def with_no_word(self) -> list[_Word]:
        """Return this node, and the nodes after it that can match no word."""
        found = [self]
        while (node := found[-1].following("#")) is not None:
            found.append(node)
        return found

    def after(self, word: str) -> list[_Word]:
        """Return the nodes that a word leads to."""
        found = self.with_no_word() if self.is_hash else []
        for following in (self.following(word), self.following("*")):
            if following is not None:
                found += following.with_no_word()
        return found

    def following(self, word: str) -> _Word | None:
        """Return the node of the next word; None if no key has it there."""
        found = self._following.get(word)
        if found is None or isinstance(found, _Word):
            return found
        bindings = [found] if isinstance(found, Binding) else found
        node = self._following[word] = _Word(bindings, self._start + len(word) + 1, is_hash=word == "#")
        return node


_INDEXES: Final[Mapping[str, Callable[[Sequence[Binding], Version], _BindingIndex]]] = {
    "direct": _DirectBindings,
    "fanout": _AllBindings,
    "topic": _TopicBindings,
    "headers": HeadersIndex,
}


def _direct_queues(bindings: Iterable[Binding]) -> frozenset[str] | None:
    """Return the queues that bindings lead to; None if one of them leads to an exchange."""
    found = []
    for binding in bindings:
        if binding.destination_type != "queue":
            return None
        found.append(binding.destination)
    return frozenset(found)


def _sorted(bindings: Iterable[Binding]) -> tuple[Binding, ...]:
    found = tuple(bindings)
    return tuple(sorted(found, key=binding_order)) if len(found) > 1 else found
