"""Exchange types beyond RabbitMQ's own four: the ways in which they route, and the declarations that they refuse.

Tried on 3.10, 4.0 and 4.3 with the plugins that come with RabbitMQ. The plugin for x-delayed-message does not come
with it: what is said here of that type is from its documentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from attune_infra.topology.model import Binding, Exchange, Topology

CONSISTENT_HASH: Final = "x-consistent-hash"
JMS_TOPIC: Final = "x-jms-topic"
LOCAL_RANDOM: Final = "x-local-random"
SELECTOR: Final = "rjms_erlang_selector"
"""The argument of a binding from an x-jms-topic exchange; RabbitMQ 4 refuses a binding without it."""

CHOOSING_ONE: Final = frozenset({CONSISTENT_HASH, "x-random", "x-modulus-hash"})
"""Types that send each message along exactly one of their bindings."""

_PLUGINS: Final[Mapping[str, str]] = {
    "x-delayed-message": "rabbitmq_delayed_message_exchange",
    CONSISTENT_HASH: "rabbitmq_consistent_hash_exchange",
    "x-random": "rabbitmq_random_exchange",
    "x-modulus-hash": "rabbitmq_sharding",
    "x-recent-history": "rabbitmq_recent_history_exchange",
    JMS_TOPIC: "rabbitmq_jms_topic_exchange",
}
_HASH_PROPERTIES: Final = ("correlation_id", "message_id", "timestamp")
_WEIGHT: Final = re.compile(r"\+?0*[1-9][0-9]*")


def plugin_of(exchange_type: str) -> str | None:
    """Return the plugin that brings an exchange type; None if none is known."""
    return _PLUGINS.get(exchange_type)


def plugin_hint(exchange_type: str) -> str:
    """Return the remedy for a broker that lacks an exchange type."""
    if exchange_type == LOCAL_RANDOM:
        return "upgrade to RabbitMQ 4.0 or later, or use another type"
    plugin = _PLUGINS.get(exchange_type)
    enable = f"enable its plugin with `rabbitmq-plugins enable {plugin}`" if plugin else "enable its plugin"
    return f"{enable}, or use another type"


def exchange_problems(exchange: Exchange) -> Iterator[tuple[str, str]]:
    """Yield the reasons for which the plugin refuses an exchange, each with the argument that it is about."""
    arguments = exchange.arguments
    match exchange.type:
        case "x-delayed-message":
            delayed = arguments.get("x-delayed-type")
            if not isinstance(delayed, str) or not delayed or delayed == exchange.type:
                yield "type", "x-delayed-message needs the argument x-delayed-type, with the type to route as"
        case "x-consistent-hash":
            header, by_property = arguments.get("hash-header"), arguments.get("hash-property")
            if header is not None and not isinstance(header, str):
                yield "hash-header", "hash-header expects a string, the name of a header"
            if by_property is not None and by_property not in _HASH_PROPERTIES:
                yield "hash-property", f"hash-property expects one of {', '.join(_HASH_PROPERTIES)}"
            if header is not None and by_property is not None:
                yield "hash-property", "hash-header and hash-property exclude each other"
        case "x-recent-history":
            length = arguments.get("x-recent-history-length")
            if length is not None and (type(length) is not int or length < 1):
                yield "x-recent-history-length", "x-recent-history-length expects an integer of at least 1"


def binding_problem(binding: Binding, source: Exchange, topology: Topology) -> tuple[str, str] | None:
    """Return the reason for which the plugin refuses a binding, with a remedy; None if it does not."""
    key = binding.routing_key
    match source.routing_type:
        case "x-consistent-hash" if not _WEIGHT.fullmatch(key):
            what = f"the routing key of a binding from an {source.type} exchange is a weight, not '{key}'"
            return what, "give an integer of at least 1, in quotes: the share of messages that the queue gets"
        case "x-local-random" if binding.destination_type != "queue":
            return f"an {source.type} exchange can be bound to queues only", "bind a queue"
        case "x-local-random" if key:
            return f"a binding from an {source.type} exchange has no routing key, not '{key}'", "leave it out"
        case "x-local-random":
            queue = topology.queues.get(binding.destination)
            kind = "classic" if queue is None else topology.type_of(queue)
            if kind != "classic":
                what = f"an {source.type} exchange can be bound to classic queues only, not to a {kind} queue"
                return what, "bind a classic queue, or use another type of exchange"
    return None


def lacks_type(exchange: Exchange, broker: Topology) -> bool:
    """Return True if a broker is known to lack the type of an exchange."""
    return broker.exchange_types is not None and exchange.type not in broker.exchange_types
