"""Whether, and to which queues, a message can come from an exchange: with one routing key, or with any of many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attune_infra.topology.model import Binding, Exchange, Message, Queue
from attune_infra.topology.topic_keys import Words, example, is_literal, literal, overlap, pattern

if TYPE_CHECKING:
    from attune_infra.topology.lint.subject import Subject


class Reach:
    """Answers for one subject; what was asked once is remembered. Where words can be None, they are any."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self._can: dict[tuple[str, Words | None], bool] = {}
        self._queues: dict[tuple[str, Words | None], frozenset[str]] = {}

    def queues(self, exchange: str, words: Words | None) -> frozenset[str]:
        """Return the queues that get a message from an exchange, with a routing key for which the words stand."""
        asked = (exchange, words)
        if asked not in self._queues:
            routed = self.subject.routing.route(_message(exchange, words))
            self._queues[asked] = frozenset(routed.queues)
        return self._queues[asked]

    def keys_of_dead_letters(self, queue: Queue, exchange: str) -> tuple[Words | None, ...]:
        """Return the routing keys with which dead letters of a queue come to an exchange."""
        own = self.subject.text(queue, "x-dead-letter-routing-key")
        if own is not None:
            return (literal(own),)
        return (None,) if self._looks_at_no_key(exchange) else keys_into(queue, self.subject)

    def can_reach(self, exchange: str, words: Words | None) -> bool:
        """Return whether an exchange can bring a message with such a routing key to any queue.

        Of one routing key the answer is certain. Of many, a "no" is certain, and a "yes" means that there is one.
        """
        if words is not None and self.queues(exchange, words):
            return True
        asked = (exchange, words)
        if asked not in self._can:
            self._can[asked] = self._can_reach(exchange, words)
        return self._can[asked]

    def _can_reach(self, exchange: str, words: Words | None) -> bool:
        if words is not None and is_literal(words):
            routed = self.subject.routing.route(_message(exchange, words))
            if not routed.possible and all(hop.exchange.type != "headers" for hop in routed.hops):
                return False
        return self._search(exchange, words)

    def _search(self, start: str, words: Words | None) -> bool:
        waiting, seen = [start], {start}
        while waiting:
            source = self.subject.routing.exchange(waiting.pop())
            if source is None:
                continue
            if not source.name:
                return any(_meet(words, literal(name)) for name in self.subject.topology.queues)
            further = set()
            for binding in self.subject.out_of.get(source.name, ()):
                if _lets_through(source, binding, words):
                    if binding.destination_type == "queue":
                        return True
                    further.add(binding.destination)
            if (alternate := self.subject.routing.alternate_of(source)) is not None:
                further.add(alternate)
            waiting += further - seen
            seen |= further
        return False

    def _looks_at_no_key(self, name: str) -> bool:
        """Return whether an exchange brings any message to the same queues, whatever its routing key."""
        exchange = self.subject.routing.exchange(name)
        bindings = self.subject.out_of.get(name, ())  # those to exchanges come first
        is_last = bool(bindings) and bindings[0].destination_type == "queue" == bindings[-1].destination_type
        return is_last and exchange is not None and exchange.type == "fanout"


def keys_into(queue: Queue, subject: Subject) -> tuple[Words | None, ...]:
    """Return the routing keys with which messages come into a queue, as far as its bindings tell; None is any.

    First come those that stand for themselves. One without bindings gets messages through the default exchange
    only, whose routing keys are its name.
    """
    bindings = subject.into.get(("queue", queue.name), ())
    if not bindings:
        return (literal(queue.name),)
    keys = dict.fromkeys(key_of(binding, subject) for binding in bindings)
    return tuple(sorted(keys, key=lambda key: key is None or not is_literal(key)))


def key_of(binding: Binding, subject: Subject) -> Words | None:
    """Return the routing keys that a binding lets through; None is any."""
    match subject.source_type(binding):
        case "direct":
            return literal(binding.routing_key)
        case "topic":
            return pattern(binding.routing_key)
        case _:
            return None


def _message(exchange: str, words: Words | None) -> Message:
    return Message(exchange=exchange, routing_key="" if words is None else example(words))


def _lets_through(source: Exchange, binding: Binding, words: Words | None) -> bool:
    match source.type:
        case "direct":
            return _meet(words, literal(binding.routing_key))
        case "topic":
            return _meet(words, pattern(binding.routing_key))
        case _:
            return True


def _meet(words: Words | None, others: Words) -> bool:
    """Return whether somebody may use a routing key for which both stand.

    Nobody publishes with a word `*` or `#`, though it would be legal: who binds a direct exchange so means it as
    on a topic exchange.
    """
    if words is None:
        return True
    is_odd = not is_literal(words) and any(word in {"*", "#"} for word in others)
    return not is_odd and overlap(words, others)
