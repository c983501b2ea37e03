"""Undeclared objects that the document manages, to be deleted, and the reasons to keep all others.

A document manages a name if one of its `manages` patterns claims it. A binding belongs to its destination, and
permissions belong to their user. Limits, permissions, federation upstreams, sets of these and shovels are managed
only by a document that declares some of their kind, and other parameters never. Users belong to the whole broker,
and only `manages_users` patterns claim them. Objects of RabbitMQ itself
(`amq.*`) and of its plugins, and the queues of workers, are never managed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attune_infra.topology.diff import Delete, undeclared
from attune_infra.topology.facts.machinery import owner_of_name
from attune_infra.topology.facts.patterns import claims
from attune_infra.topology.model import (
    Binding,
    Exchange,
    FederationUpstream,
    FederationUpstreamSet,
    GlobalParameter,
    Limit,
    Parameter,
    Permission,
    Policy,
    Queue,
    Shovel,
    TopicPermission,
    Topology,
    TopologyObject,
    User,
)
from attune_infra.topology.worker import owner_of

_DELETION_ORDER = (
    *(TopicPermission, Permission, User, Limit, Shovel, Binding, Policy),
    *(FederationUpstreamSet, FederationUpstream, Queue, Exchange),
)


def prunable(have: Topology, want: Topology) -> tuple[Delete, ...]:
    """Return the objects to delete, in an order in which they can be: bindings first, exchanges last."""
    found = [item for item in undeclared(have, want) if why_kept(item, have, want) is None]
    return tuple(Delete(item) for kind in _DELETION_ORDER for item in found if isinstance(item, kind))


def why_kept(item: TopologyObject, have: Topology, want: Topology) -> str | None:
    """Return the reason to keep an undeclared object, None if the document manages it."""
    if isinstance(item, Binding) and _ends_at_external(item, want):
        return "its destination is external"
    if isinstance(item, Permission | TopicPermission) and item.user in have.own_users:
        return "this command itself uses it"
    if isinstance(item, User):
        return _why_user_is_kept(item, have, want)
    if isinstance(item, GlobalParameter) or type(item) is Parameter:
        return "nothing tells whether another program needs it"
    if isinstance(item, Shovel) and isinstance(item.value, dict) and item.value.get("internal") is True:
        return "it belongs to RabbitMQ or to a plugin"
    for name in _names(item):
        if owner := owner_of_name(name):
            return f"it belongs to {owner}"
        if want.workers is not None and owner_of(want.workers, name) is not None:
            return "it belongs to a worker"
        if not any(claims(pattern, name) for pattern in want.manages):
            return f"no `manages` pattern of the document matches '{name}'"
    return None


def _why_user_is_kept(user: User, have: Topology, want: Topology) -> str | None:
    if user.name in have.own_users:
        return "this command itself logs in as this user"
    if not any(claims(pattern, user.name) for pattern in want.manages_users):
        return f"no `manages_users` pattern of the document matches '{user.name}'"
    return None


def _ends_at_external(binding: Binding, want: Topology) -> bool:
    ends: Mapping[str, Exchange | Queue] = (
        want.exchanges if binding.destination_type == "exchange" else want.queues
    )
    return binding.destination in ends and ends[binding.destination].external


def _names(item: TopologyObject) -> Iterator[str]:
    match item:
        case Binding():
            yield item.destination
        case Permission() | TopicPermission():
            yield item.user
        case _:
            yield item.name
