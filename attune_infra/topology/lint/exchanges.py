"""Rules about exchanges: whether what is published to them gets anywhere."""

from __future__ import annotations

from collections.abc import Iterator

from attune_infra.topology.lint.finding import Flaw
from attune_infra.topology.lint.subject import Subject

_ALTERNATE = "alternate-exchange"


def leads_to_no_queue(subject: Subject) -> Iterator[Flaw]:
    """Nothing that is published to an exchange reaches a queue.

    It has no bindings, or only such to exchanges that lead nowhere either, and no alternate exchange. RabbitMQ
    confirms a message that can be routed nowhere, and drops it.
    """
    for exchange in subject.exchanges:
        if not subject.reach.can_reach(exchange.name, None):
            is_bound = exchange.name in subject.out_of
            why = "its bindings lead to no queue" if is_bound else "it has no bindings"
            remedy = "bind a queue to it, or remove it if nobody publishes there"
            yield Flaw(exchange, f"what is published to it is dropped: {why}", remedy)


def alternate_is_missing(subject: Subject) -> Iterator[Flaw]:
    """An alternate exchange does not exist.

    RabbitMQ declares an exchange with any alternate exchange, whether it is there or not. While it is not,
    messages that match no binding are dropped as if there were none.
    """
    for target, exchanges in subject.alternates.items():
        if not subject.is_there(target):
            for exchange in exchanges:
                what = f"its alternate exchange '{target}' does not exist: what matches no binding is dropped"
                remedy = f"declare exchange '{target}' with a queue behind it, or name one that is there"
                yield Flaw(exchange, what, remedy, subject.part(exchange, _ALTERNATE))


def nothing_leads_to_internal(subject: Subject) -> Iterator[Flaw]:
    """Nothing can come to an internal exchange.

    Clients cannot publish to it, no exchange is bound to it, and it is nobody's alternate or dead letter exchange.
    """
    for exchange in subject.exchanges:
        name = exchange.name
        is_led_to = ("exchange", name) in subject.into or name in subject.alternates
        if exchange.internal and not is_led_to and name not in subject.dead_letter_exchanges:
            what = "clients cannot publish to an internal exchange, and nothing else leads to it"
            yield Flaw(exchange, what, "bind it to another exchange, or let clients publish to it", "internal")
