"""The queues that exchanges can reach: with one routing key, or with any of those that a topic key stands for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import cached_property
from itertools import chain

from attune_infra.topology.model import Binding, End, Exchange, Message, Queue
from attune_infra.topology.routing.cycles import cycles
from attune_infra.topology.routing.index import Index
from attune_infra.topology.routing.topic_keys import (
    KeyIndex,
    Words,
    example_key,
    is_literal,
    parse_literal_key,
    parse_topic_key,
)


class Reach:
    """Answers about the exchanges of one topology, cached. Words that are None stand for every routing key."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self._can: dict[tuple[str, Words], bool] = {}
        self._queues: dict[tuple[str, Words | None], frozenset[str]] = {}
        self._keys: dict[str, tuple[Mapping[Words, Sequence[End]], KeyIndex]] = {}

    def queues(self, exchange: str, words: Words | None) -> frozenset[str]:
        """Return the queues that get a message from an exchange, with an example of the routing keys."""
        asked = (exchange, words)
        if asked not in self._queues:
            self._queues[asked] = self.index.routing.queues(exchange, "" if words is None else example_key(words))
        return self._queues[asked]

    @cached_property
    def keys_of_dead_letters(self) -> Mapping[str, tuple[Words | None, ...]]:
        """The routing keys of the dead letters of each queue."""
        found: dict[str, tuple[Words | None, ...]] = {}
        for exchange, queues in self.index.dead_letter_exchanges.items():
            is_any = self._looks_at_no_key(exchange)
            for queue in queues:
                own = self.index.text(queue, "x-dead-letter-routing-key")
                if own is not None:
                    found[queue.name] = (parse_literal_key(own),)
                else:
                    found[queue.name] = (None,) if is_any else keys_into(queue, self.index)
        return found

    @cached_property
    def dead_letters(self) -> Mapping[str, Sequence[frozenset[str]]]:
        """The queues that the dead letters of each queue reach, for each of their routing keys."""
        return {
            queue.name: [self.queues(exchange, key) for key in self.keys_of_dead_letters[queue.name]]
            for exchange, queues in self.index.dead_letter_exchanges.items()
            for queue in queues
        }

    def can_reach(self, exchange: str, words: Words | None) -> bool:
        """Return whether an exchange can bring a message with such a routing key to any queue.

        For one routing key the answer is certain. For many, no means that none of them reaches a queue, and yes
        means that one of them can.
        """
        if words is None:
            return exchange in self._leading_somewhere
        if self.queues(exchange, words):
            return True
        asked = (exchange, words)
        if asked not in self._can:
            self._can[asked] = self._can_reach(exchange, words)
        return self._can[asked]

    @cached_property
    def dead_letter_cycles(self) -> Sequence[tuple[Sequence[Queue], bool]]:
        """The queues of each cycle of dead letters, and whether any of their dead letters also leaves it.

        The graph has a node for each queue that both sends and gets dead letters. Where dead letters reach several
        queues at once, these have a node together, so that there are not as many edges as pairs of queues.
        """
        sent, found = self.dead_letters, []
        ways = frozenset(chain.from_iterable(sent.values()))
        edges: dict[str | frozenset[str], Set[str | frozenset[str]]] = {
            name: _nodes(sent[name]) for name in sent.keys() & frozenset().union(*ways)
        }
        edges.update((together, together & sent.keys()) for together in ways if len(together) > 1)
        for cycle in cycles(edges):
            members = {node for node in cycle if isinstance(node, str)}
            leaves = any(not together <= members for name in members for together in sent[name])
            found.append(([self.index.topology.queues[name] for name in sorted(members)], leaves))
        return found

    @cached_property
    def _leading_somewhere(self) -> Set[str]:
        """The exchanges that lead to a queue with some routing key."""
        found, into = set[str](), defaultdict[str, set[str]](set)
        for each in self.index.topology.bindings:  # unsorted: there may be thousands, and few lead to exchanges
            if each.destination_type == "queue":
                found.add(each.source)
            else:
                into[each.destination].add(each.source)
        found |= {exchange.name for exchange in self.index.topology.exchanges.values() if exchange.external}
        if self.index.topology.queues:
            found.add("")  # the default exchange knows every queue
        waiting = list(found)
        while waiting:
            name = waiting.pop()
            sources = into[name]
            sources.update(exchange.name for exchange in self.index.alternates.get(name, ()) if name)
            waiting += sources - found
            found |= sources
        return found

    def _can_reach(self, exchange: str, words: Words) -> bool:
        if is_literal(words):
            routed = self.index.routing.route(Message(exchange=exchange, routing_key=example_key(words)))
            if routed.leaves:
                return True
            if not routed.possible and all(hop.exchange.routing_type != "headers" for hop in routed.hops):
                return False
        return self._search(exchange, words)

    def _search(self, start: str, words: Words) -> bool:
        waiting, seen = [start], {start}
        while waiting:
            source = self.index.routing.exchange(waiting.pop())
            if source is None:
                continue
            if source.external:
                return True
            further = set()
            for kind, name in self._ends(source, words):
                if kind == "queue":
                    return True
                further.add(name)
            if (alternate := self.index.routing.alternate_of(source)) is not None:
                further.add(alternate)
            waiting += further - seen - {""}  # as an alternate exchange, the default exchange knows no queue
            seen |= further
        return False

    def _ends(self, source: Exchange, words: Words) -> Iterator[End]:
        """Yield the ends to which an exchange may bring a message with such a routing key.

        A key with `*` or `#` on a direct exchange is left out if there are many routing keys. Messages could be
        published with these words, but hardly are: the binding was meant for a topic exchange.
        """
        if source.routing_type not in {"direct", "topic"}:
            yield from (_end(binding) for binding in self.index.out_of.get(source.name, ()))
            return
        ends, index = self._by_key(source.name)
        is_one = is_literal(words)
        for key in index.overlapping(words):
            if is_one or ("*" not in key and "#" not in key):
                yield from ends[key]

    def _by_key(self, source: str) -> tuple[Mapping[Words, Sequence[End]], KeyIndex]:
        """Return the ends that each key of a direct or topic exchange leads to, and an index of the keys."""
        if source not in self._keys:
            ends: dict[Words, list[End]] = defaultdict(list)
            if source:
                for binding in self.index.out_of.get(source, ()):
                    ends[key_of(binding, self.index) or ()].append(_end(binding))
            else:
                ends.update((parse_literal_key(name), [("queue", name)]) for name in self.index.topology.queues)
            self._keys[source] = ends, KeyIndex(ends)
        return self._keys[source]

    def _looks_at_no_key(self, name: str) -> bool:
        """Return whether an exchange brings all messages to the same queues, whatever their routing keys."""
        exchange = self.index.routing.exchange(name)
        bindings = self.index.out_of.get(name, ())
        leads_to_queues = bool(bindings) and bindings[0].destination_type == "queue"  # exchanges come first
        return leads_to_queues and exchange is not None and exchange.routing_type == "fanout"


def keys_into(queue: Queue, index: Index) -> tuple[Words | None, ...]:
    """Return the routing keys of the messages that come into a queue, by its bindings; None is every key.

    Keys without wildcards come first. A queue without bindings gets messages only through the default exchange,
    with its name as their routing key.
    """
    bindings = index.into.get(("queue", queue.name), ())
    if not bindings:
        return (parse_literal_key(queue.name),)
    keys = dict.fromkeys([key_of(binding, index) for binding in bindings])
    return tuple(sorted(keys, key=lambda key: key is None or not is_literal(key)))


def key_of(binding: Binding, index: Index) -> Words | None:
    """Return the routing keys that a binding lets through; None is every key."""
    match index.source_type(binding):
        case "direct":
            return parse_literal_key(binding.routing_key)
        case "topic":
            return parse_topic_key(binding.routing_key)
        case _:
            return None


def _nodes(ways: Sequence[frozenset[str]]) -> Set[str | frozenset[str]]:
    """Return the nodes for the queues that dead letters reach: one alone, or several together."""
    nodes: set[str | frozenset[str]] = set()
    for together in ways:
        if len(together) == 1:
            nodes |= together
        else:
            nodes.add(together)
    return nodes


def _end(binding: Binding) -> End:
    return binding.destination_type, binding.destination
