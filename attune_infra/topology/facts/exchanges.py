"""RabbitMQ's own exchanges, which every virtual host has, and the names it reserves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attune_infra.topology.model import Exchange

_OWN_EXCHANGES: Final[Mapping[str, Exchange]] = {
    exchange.name: exchange
    for exchange in (
        Exchange(name="", type="direct"),
        Exchange(name="amq.direct", type="direct"),
        Exchange(name="amq.fanout", type="fanout"),
        Exchange(name="amq.headers", type="headers"),
        Exchange(name="amq.match", type="headers"),
        Exchange(name="amq.topic", type="topic"),
        Exchange(name="amq.rabbitmq.trace", type="topic", internal=True),
    )
}
"""The exchanges that every virtual host has; the one without a name is the default exchange."""

PREDECLARED_EXCHANGES: Final = frozenset(
    exchange.name for exchange in _OWN_EXCHANGES.values() if exchange.name and not exchange.internal
)
"""Names of RabbitMQ's own exchanges that a topology may bind to and from."""

OWN_HEADERS_EXCHANGES: Final = frozenset(
    exchange.name for exchange in _OWN_EXCHANGES.values() if exchange.type == "headers"
)
_RESERVED_PREFIX: Final = "amq."
_DEFAULT_EXCHANGE: Final = "amq.default"
"""The name under which RabbitMQ lists the default exchange, which has none."""


def is_reserved(name: str) -> bool:
    """Return whether RabbitMQ keeps a name for itself: for its own exchanges, and for queues that it names."""
    return name.startswith(_RESERVED_PREFIX)


def find_exchange(name: str, declared: Mapping[str, Exchange]) -> Exchange | None:
    """Return the exchange of a name, declared or RabbitMQ's own; None if there is none."""
    return declared.get(name) or _OWN_EXCHANGES.get(name)


def headers_exchanges(declared: Mapping[str, Exchange]) -> frozenset[str]:
    """Return the names of all headers exchanges, declared ones and RabbitMQ's own."""
    return OWN_HEADERS_EXCHANGES | {
        name for name, exchange in declared.items() if exchange.routing_type == "headers"
    }


def parse_exchange_name(typed: str) -> str:
    """Return the name of the exchange that a user means; the default exchange may be written `amq.default`."""
    return "" if typed == _DEFAULT_EXCHANGE else typed


def show_exchange_name(name: str) -> str:
    """Return the name of an exchange as RabbitMQ lists it: that of the default exchange is `amq.default`."""
    return name or _DEFAULT_EXCHANGE
