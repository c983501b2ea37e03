"""Objects that can be created over one of AMQP and HTTP only, or that should be."""

from __future__ import annotations

from collections.abc import Mapping

from attune_infra.topology.model import Binding, Exchange, Queue, TopologyObject


def needs_amqp(item: TopologyObject) -> bool:
    """Return True if an object must be created over AMQP: a binding with void, which JSON does not have."""
    return isinstance(item, Binding) and None in item.arguments.values()


def needs_http(item: TopologyObject) -> bool:
    """Return True if an object must be created over HTTP, even if AMQP was asked for.

    AMQP has no policies, limits and permissions. To RabbitMQ, bindings that differ only in the width of an integer
    argument are different. The management API sends 64 bits and AMQP clients 32, so a binding created over both
    would exist twice.
    """
    if needs_amqp(item):
        return False
    if isinstance(item, Binding):
        return holds_integer(item.arguments)
    return not isinstance(item, Exchange | Queue)


def holds_integer(value: object) -> bool:
    """Return True if an argument, or a part of it, is an integer."""
    match value:
        case bool():
            return False
        case int():
            return True
        case Mapping():
            return any(map(holds_integer, value.values()))
        case list():
            return any(map(holds_integer, value))
        case _:
            return False
