"""Rules about alternate exchanges: they should take every message that matches no binding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attune_infra.topology.lint.finding import Flaw
from attune_infra.topology.lint.subject import Subject
from attune_infra.topology.model import Binding, Exchange
from attune_infra.topology.routing.headers import criteria_of, demands_any

_ALTERNATE = "alternate-exchange"


def is_missing(subject: Subject) -> Iterator[Flaw]:
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


def loses_messages(subject: Subject) -> Iterator[Flaw]:
    """An alternate exchange loses messages all the same.

    An alternate exchange should take every message. The default exchange routes nothing when it is an alternate
    exchange. A direct exchange, a topic exchange without a binding for `#`, and a headers exchange without a
    binding that matches everything drop what matches no binding. Alternate exchanges in a circle lose messages
    too: RabbitMQ takes a message to each exchange only once.
    """
    for target, exchanges in subject.alternates.items():
        if (why := _why_lost(target, subject, set())) is not None:
            for exchange in exchanges:
                what = f"messages that match no binding are dropped all the same: {why}"
                remedy = "name a fanout exchange with a queue as the alternate exchange"
                yield Flaw(exchange, what, remedy, subject.part(exchange, _ALTERNATE))


def _why_lost(target: str, subject: Subject, asked: set[str]) -> str | None:
    """Return the reason why an alternate exchange that exists loses messages; None if it does not.

    Exchanges in `asked` are not asked again. An exchange with an alternate exchange of its own is only asked for a
    circle: whatever else gets lost behind it is a finding of its own.
    """
    exchange = subject.routing.exchange(target)
    if exchange is None or exchange.external:
        return None
    if not target:
        return "as an alternate exchange, the default exchange routes nothing"
    if target in asked or not subject.reach.can_reach(target, None):
        return f"exchange '{target}' leads to no queue"
    asked.add(target)
    if everything := _bindings_for_everything(exchange, subject):
        if any(binding.destination_type == "queue" for binding in everything):
            return None
        reasons = [_why_lost(binding.destination, subject, asked) for binding in everything]
        return None if None in reasons else reasons[0]
    if subject.routing.alternate_of(exchange) is not None:
        circle = _circle(exchange, subject)
        return f"the alternate exchanges go in a circle ({' -> '.join(circle)})" if circle else None
    parts = "headers" if exchange.routing_type == "headers" else "routing keys"
    return f"{exchange.routing_type} exchange '{target}' takes only {parts} that it is bound with"


def _bindings_for_everything(exchange: Exchange, subject: Subject) -> Sequence[Binding]:
    return [binding for binding in subject.out_of.get(exchange.name, ()) if _takes_everything(binding, exchange)]


def _takes_everything(binding: Binding, source: Exchange) -> bool:
    """Return whether a binding takes every message; those of a plugin's type are assumed to."""
    match source.routing_type:
        case "direct":
            return False
        case "topic":
            return binding.routing_key == "#"
        case "headers":
            return not criteria_of(binding.arguments) and not demands_any(binding.arguments)
        case _:
            return True


def _circle(exchange: Exchange, subject: Subject) -> Sequence[str]:
    """Return the alternate exchanges from this one to the first that comes twice; empty if none does."""
    names: list[str] = []
    current: Exchange | None = exchange
    while current is not None and not _bindings_for_everything(current, subject):
        names.append(current.name)
        if current.name in names[:-1]:
            return names
        target = subject.routing.alternate_of(current)
        current = None if target is None else subject.routing.exchange(target)
    return ()
