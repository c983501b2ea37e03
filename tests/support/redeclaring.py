"""Declarations that differ from an existing object in one argument alone, as a broker takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import amqp

from attune_infra.topology.facts.arguments import EXCHANGE_ARGUMENTS, QUEUE_ARGUMENTS, QUEUE_TYPES, Rule
from attune_infra.topology.model import ABSENT, Argument, Value
from support.virtual_host import VirtualHost

EXCHANGE_TYPES: Final = ("direct", "fanout", "headers", "topic")
OF_ONES_OWN: Final = "x-own"
"""An argument that RabbitMQ does not know."""


@dataclass(frozen=True, slots=True)
class Redeclaration:
    """A declaration of an existing object with one argument changed, and whether the broker took it."""

    kind: str
    type: str
    argument: str
    have: Value
    want: Value
    is_accepted: bool


def redeclare_queues(client: Client) -> Iterator[Redeclaration]:
    """Declare queues of each type twice, with each argument and each pair of its values."""
    for queue_type in QUEUE_TYPES:
        for name, rule in (*QUEUE_ARGUMENTS.items(), (OF_ONES_OWN, None)):
            if name == "x-queue-type":
                continue
            needed: dict[str, Argument] = {"x-queue-type": queue_type}
            if name == "x-dead-letter-routing-key" and queue_type != "stream":
                needed["x-dead-letter-exchange"] = "x"
            if name == "x-delayed-retry-type" and queue_type == "quorum":
                needed["x-delayed-retry-min"] = 5
            yield from _redeclare(client, _Target("queue", queue_type, needed), name, _values(rule))


def redeclare_exchanges(client: Client) -> Iterator[Redeclaration]:
    """Do the same for exchanges."""
    for exchange_type in EXCHANGE_TYPES:
        for name, rule in (*EXCHANGE_ARGUMENTS.items(), (OF_ONES_OWN, None)):
            yield from _redeclare(client, _Target("exchange", exchange_type, {}), name, _values(rule))


class Client:
    """A client that goes on after a refusal, on a new channel."""

    def __init__(self, vhost: VirtualHost) -> None:
        self._vhost = vhost
        self._connection = vhost.client()
        self._channel = self._connection.channel()

    def is_accepted(self, call: Callable[[amqp.Channel], object]) -> bool:
        """Return whether the broker does what is asked of it."""
        try:
            call(self._channel)
        except (amqp.AMQPError, OSError):
            self._open_again()
            return False
        return True

    def declare(self, kind: str, type_: str, name: str, arguments: Mapping[str, Argument]) -> bool:
        """Declare a durable object; return whether the broker accepts it."""
        if kind == "queue":
            return self.is_accepted(
                lambda channel: channel.queue_declare(name, durable=True, auto_delete=False, arguments=arguments)
            )
        return self.is_accepted(
            lambda channel: channel.exchange_declare(
                name, type_, durable=True, auto_delete=False, arguments=arguments
            )
        )

    def delete(self, kind: str, name: str) -> None:
        delete = amqp.Channel.queue_delete if kind == "queue" else amqp.Channel.exchange_delete
        assert self.is_accepted(lambda channel: delete(channel, name))

    def close(self) -> None:
        self._connection.close()

    def _open_again(self) -> None:
        try:
            self._channel = self._connection.channel()
        except (amqp.AMQPError, OSError):
            self._connection = self._vhost.client()
            self._channel = self._connection.channel()


@dataclass(frozen=True, slots=True)
class _Target:
    """A kind and type of object, and the arguments that all its declarations have."""

    kind: str
    type: str
    needed: Mapping[str, Argument]


def _redeclare(
    client: Client, target: _Target, argument: str, values: Sequence[Argument]
) -> Iterator[Redeclaration]:
    """Yield what the broker does for each pair of values; values that it refuses on a new object are no `have`."""
    kind, type_ = target.kind, target.type
    pool: tuple[Value, ...] = (ABSENT, *values)
    for number, have in enumerate(pool):
        name = f"{type_} {argument} {number}"
        if not client.declare(kind, type_, name, _with(target.needed, argument, have)):
            continue
        for want in pool:
            accepted = client.declare(kind, type_, name, _with(target.needed, argument, want))
            yield Redeclaration(kind, type_, argument, have, want, accepted)
        client.delete(kind, name)


def _with(needed: Mapping[str, Argument], argument: str, value: Value) -> dict[str, Argument]:
    return {**needed, **({} if value is ABSENT else {argument: value})}  # type: ignore[dict-item] # not ABSENT


def _values(rule: Rule | None) -> list[Argument]:
    """Return some values that an argument may have: for integers small, greater and great ones."""
    if rule is None:
        return ["a", "b", 5]
    if rule.choices:
        return list(rule.choices)
    if rule.pattern:
        return ["1D", "2D", "24h", "01D"]
    if rule.kind is bool:
        return [True, False]
    if rule.kind is str:
        return ["", "a", "b"]
    lowest = 600_000 if rule.name == "x-expires" else rule.minimum or 0
    values = (lowest, lowest + 1, lowest + 1000)
    return list(dict.fromkeys(value if rule.maximum is None else min(value, rule.maximum) for value in values))
