"""Rules about exchanges: the messages that are published to them should reach a queue."""

from __future__ import annotations

from collections.abc import Iterator

from attune_infra.topology.facts.plugin_exchanges import CONSISTENT_HASH, binding_problem
from attune_infra.topology.lint.finding import Flaw
from attune_infra.topology.lint.subject import Subject
from attune_infra.topology.model import End


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
    local-random exchange takes bindings to classic queues only, and without a routing key. RabbitMQ refuses any
    other.
    """
    for source, bindings in subject.out_of.items():
        exchange = subject.routing.exchange(source)
        if exchange is None:
            continue
        for binding in bindings:
            if (problem := binding_problem(binding, exchange, subject.topology)) is not None:
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
