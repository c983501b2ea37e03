"""Rules about exchanges: the messages that are published to them should reach a queue."""

from __future__ import annotations

from collections.abc import Iterator

from attune_infra.topology.facts.plugin_exchanges import CONSISTENT_HASH, binding_problem
from attune_infra.topology.lint.finding import Flaw
from attune_infra.topology.lint.subject import Subject
from attune_infra.topology.model import Binding, End

_ALTERNATE = "alternate-exchange"


def leads_to_no_queue(subject: Subject) -> Iterator[Flaw]:
    """No message that is published to an exchange reaches a queue.

    It has no alternate exchange, and no bindings except to exchanges that lead nowhere either. RabbitMQ confirms a
    message that it cannot route, and drops it.
    """
    for exchange in subject.exchanges:
        if not subject.reach.can_reach(exchange.name, None):
            is_bound = exchange.name in subject.out_of
            why = "its bindings lead to no queue" if is_bound else "it has no bindings"
            remedy = "bind a queue to it, or remove it if nobody publishes to it"
            yield Flaw(exchange, f"messages to it are dropped: {why}", remedy)


def alternate_is_missing(subject: Subject) -> Iterator[Flaw]:
    """An alternate exchange does not exist.

    RabbitMQ declares an exchange with any alternate exchange, even a missing one. While it is missing, RabbitMQ
    drops all messages that match no binding.
    """
    for target, exchanges in subject.alternates.items():
        if not subject.is_there(target):
            for exchange in exchanges:
                what = (
                    f"its alternate exchange '{target}' does not exist: messages that match no binding are dropped"
                )
                remedy = f"declare exchange '{target}' and bind a queue to it, or name an existing exchange"
                yield Flaw(exchange, what, remedy, subject.part(exchange, _ALTERNATE))


def alternate_loses_messages(subject: Subject) -> Iterator[Flaw]:
    """An alternate exchange loses messages all the same.

    An alternate exchange should take every message. The default exchange routes nothing when it is an alternate
    exchange. A direct exchange, or a topic exchange without a binding for `#`, drops all messages with other
    routing keys.
    """
    for target, exchanges in subject.alternates.items():
        if (why := _why_lost(target, subject)) is not None:
            for exchange in exchanges:
                what = f"messages that match no binding are dropped all the same: {why}"
                remedy = "name a fanout exchange with a queue as the alternate exchange"
                yield Flaw(exchange, what, remedy, subject.part(exchange, _ALTERNATE))


def _why_lost(target: str, subject: Subject) -> str | None:
    """Return the reason why an alternate exchange that exists loses messages; None if it does not."""
    exchange = subject.routing.exchange(target)
    if exchange is None:
        return None
    if not target:
        return "as an alternate exchange, the default exchange routes nothing"
    if not subject.reach.can_reach(target, None):
        return f"exchange '{target}' leads to no queue"
    kind, bindings = exchange.routing_type, subject.out_of.get(target, ())
    takes_all = kind == "topic" and any(binding.routing_key == "#" for binding in bindings)
    if takes_all or kind not in {"direct", "topic"} or subject.routing.alternate_of(exchange) is not None:
        return None
    return f"{kind} exchange '{target}' takes only routing keys that it is bound with"


def vanishes_with_its_queues(subject: Subject) -> Iterator[Flaw]:
    """An auto-delete exchange vanishes with its queues.

    RabbitMQ deletes an auto-delete exchange with its last binding. Each of its bindings is to a queue that
    RabbitMQ deletes when it is not used. Then publishers are refused until the exchange is declared again.
    """
    for exchange in subject.exchanges:
        bindings = subject.out_of.get(exchange.name, ())
        if exchange.auto_delete and bindings and all(_may_vanish(binding, subject) for binding in bindings):
            what = "it is deleted with the last of its queues, and nothing makes it again"
            yield Flaw(exchange, what, "set auto_delete: false", "auto_delete")


def _may_vanish(binding: Binding, subject: Subject) -> bool:
    """Return whether a binding goes with a queue that RabbitMQ deletes by itself."""
    queue = subject.topology.queues.get(binding.destination) if binding.destination_type == "queue" else None
    if queue is None:
        return False
    return queue.auto_delete or queue.exclusive or subject.setting(queue, "x-expires") is not None


def nothing_leads_to_internal(subject: Subject) -> Iterator[Flaw]:
    """No message can come to an internal exchange.

    Clients cannot publish to it, it is not bound to another exchange, and it is no alternate or dead letter
    exchange.
    """
    for exchange in subject.exchanges:
        name = exchange.name
        has_source = ("exchange", name) in subject.into or name in subject.alternates
        if exchange.internal and not has_source and name not in subject.dead_letter_exchanges:
            what = "clients cannot publish to an internal exchange, and nothing else leads to it"
            yield Flaw(exchange, what, "bind it to another exchange, or set internal: false", "internal")


def plugin_refuses_binding(subject: Subject) -> Iterator[Flaw]:
    """The plugin of an exchange refuses a binding.

    To a consistent-hash exchange, the routing key of a binding is a weight: an integer of at least 1. A
    local-random exchange takes bindings to queues only, and without a routing key. RabbitMQ refuses any other.
    """
    for source, bindings in subject.out_of.items():
        exchange = subject.routing.exchange(source)
        if exchange is None or exchange.type in {"direct", "topic", "fanout", "headers"}:
            continue
        for binding in bindings:
            if (problem := binding_problem(binding, exchange)) is not None:
                yield Flaw(binding, *problem, "routing_key")


def bound_twice_to_consistent_hash(subject: Subject) -> Iterator[Flaw]:
    """A queue is bound twice to a consistent-hash exchange.

    Only the weight of the first binding counts. If any of the bindings is deleted, the queue gets no more
    messages, although another binding is still there.
    """
    for source, bindings in subject.out_of.items():
        exchange = subject.routing.exchange(source)
        if exchange is None or exchange.routing_type != CONSISTENT_HASH:
            continue
        bound: set[End] = set()
        for binding in bindings:
            end = (binding.destination_type, binding.destination)
            if end in bound:
                what = f"'{binding.destination}' is bound to '{source}' more than once, and only one weight counts"
                yield Flaw(binding, what, "bind it once, with the weight that it should have", "routing_key")
            bound.add(end)
