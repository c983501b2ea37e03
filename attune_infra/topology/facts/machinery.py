"""Objects that RabbitMQ and its plugins make for themselves or for a client, and that no topology declares.

Seen on RabbitMQ 3.10 and 4.3 with MQTT, STOMP, federation and shovel; the names of sharding are from its source.
A shovel, and a client that asks for a reply, use queues that RabbitMQ names.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from attune_infra.topology.facts.exchanges import is_reserved
from attune_infra.topology.model import Exchange, Queue, Topology

_OWNERS: Final = {
    "mqtt-subscription-": "the MQTT plugin",
    "mqtt-will-": "the MQTT plugin",
    "stomp-subscription-": "the STOMP plugin",
    "federation: ": "the federation plugin",
    "sharding: ": "the sharding plugin",
}
"""The owners of queues and exchanges by the beginning of their names."""

_PREFIXES: Final = tuple(_OWNERS)

EXAMPLES: Final = ("amq.gen-JzTY20BRgKO-HjmUJj0wLg", *(f"{prefix}exampleqos1" for prefix in _OWNERS))
"""A name of each such kind; clients get the first for a queue that they do not name."""

_INTERNAL_PURPOSE: Final = "x-internal-purpose"
"""The argument by which RabbitMQ itself marks objects of its plugins."""


def owner_of_name(name: str) -> str | None:
    """Return the part of RabbitMQ that makes queues and exchanges with such a name, None if none does."""
    if is_reserved(name):
        return "RabbitMQ"
    if not name.startswith(_PREFIXES):  # so are nearly all names
        return None
    return next(owner for prefix, owner in _OWNERS.items() if name.startswith(prefix))


def is_machinery(item: Exchange | Queue) -> bool:
    """Return whether an object is one that RabbitMQ or a plugin makes."""
    return owner_of_name(item.name) is not None or _INTERNAL_PURPOSE in item.arguments


def is_hidden(item: Exchange | Queue) -> bool:
    """Return whether no topology declares an object: a private queue, or an object of RabbitMQ or a plugin."""
    return (isinstance(item, Queue) and item.exclusive) or is_machinery(item)


def with_hidden(topology: Topology) -> Topology:
    """Return a topology with its hidden objects among the others: they count as much to RabbitMQ."""
    hidden = topology.hidden
    if hidden is None:
        return topology
    return replace(
        topology,
        exchanges={**topology.exchanges, **hidden.exchanges},
        queues={**topology.queues, **hidden.queues},
        bindings=topology.bindings | hidden.bindings,
        hidden=None,
    )
