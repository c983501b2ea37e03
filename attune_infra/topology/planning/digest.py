"""Digests: names for exactly one set of changes to one virtual host, so that what was seen is what is done."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from operator import attrgetter
from typing import Final

from attune_infra.errors import PlanRefused
from attune_infra.topology.diff import Await, Change, Create, Delete, Recreate, Update
from attune_infra.topology.facts.machinery import is_machinery, owner_of_name
from attune_infra.topology.model import (
    PARAMETER_TYPES,
    Binding,
    Exchange,
    GlobalParameter,
    Limit,
    OperatorPolicy,
    Parameter,
    PasswordHash,
    Permission,
    Policy,
    Queue,
    TopicPermission,
    TopologyObject,
    User,
    VirtualHost,
    freeze,
)
from attune_infra.topology.target import Target

_LENGTH: Final = 12
_PLAIN: Final = frozenset({str, bool, int, type(None)})
_NOT_DECLARED: Final = {"state", "node", "external", "held"}
_PARAMETERS: Final[tuple[type[Parameter | GlobalParameter], ...]] = (
    Parameter,
    *PARAMETER_TYPES.values(),
    GlobalParameter,
)
_ATTRIBUTES: Final = {
    kind: attrgetter(*(each.name for each in fields(kind) if each.name not in _NOT_DECLARED))
    for kind in (
        *(Exchange, Queue, Binding, Policy, OperatorPolicy, VirtualHost, User, Limit, Permission, TopicPermission),
        *_PARAMETERS,
    )
}


def digest_of(target: Target | None, *parts: Iterable[object]) -> str:
    """Return the digest of canonical parts; it covers the cluster and the virtual host."""
    place = target and (target.cluster, target.virtual_host)
    text = repr([place, *map(list, parts)])
    return hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]


def insist_on_digest(digest: str, expected: str | None, *, again: str) -> None:
    """Raise `PlanRefused` if another digest is expected; `again` is the command that shows the present one."""
    if expected is not None and expected != digest:
        raise PlanRefused(
            f"the plan is now {digest}, not {expected}: the broker or the document has changed, or it is another"
            " broker or virtual host",
            hint=f"show the new plan with {again}",
        )


def canonical_change(change: Change) -> tuple[object, ...]:
    match change:
        case Create():
            return ("create", canonical_object(change.want))
        case Update():
            return ("update", canonical_object(change.want), repr(change.differences))
        case Await():
            return ("await", canonical_object(change.want), repr(change.differences))
        case Recreate():
            return (
                "recreate",
                canonical_object(change.want),
                repr(change.differences),
                [*_canonical_loss(change)],
            )
        case Delete():
            lost = [*_canonical_loss(change)]
            return (
                ("delete", canonical_object(change.have), lost)
                if lost
                else ("delete", canonical_object(change.have))
            )


def _canonical_loss(change: Recreate | Delete) -> Iterator[tuple[object, ...]]:
    """Yield the lost objects, without those of RabbitMQ and its plugins, which come and go with clients."""
    for item in change.lost:
        if isinstance(item, Exchange):
            if not is_machinery(item):
                yield canonical_object(item)
        elif owner_of_name(item.destination) is None:
            yield item.identity


def canonical_object(item: TopologyObject) -> tuple[object, ...]:
    """Return all attributes of an object that a declaration has, in a form whose text tells types apart."""
    return (type(item).__name__, *map(_plain, _ATTRIBUTES[type(item)](item)))


class _Text(str):
    """The text of a canonical object, in place of it."""

    __slots__ = ()
    __repr__ = str.__str__


def canonical_text(item: TopologyObject) -> object:
    """Return a stand-in for `canonical_object` with the same text, made faster for plain queues and bindings."""
    if type(item) is Binding and item.key_is_text and not item.arguments:
        ends = f"{item.source!r}, {item.destination!r}, {item.destination_type!r}, {item.routing_key!r}"
        return _Text(f"('Binding', {ends}, ('table',), True)")
    if type(item) is Queue and not item.arguments:
        kind = f"{item.type!r}, {item.durable!r}, {item.auto_delete!r}, {item.exclusive!r}"
        return _Text(f"('Queue', {item.name!r}, {kind}, ('table',))")
    return canonical_object(item)


def _plain(value: object) -> object:
    if type(value) in _PLAIN:
        return value
    match value:
        case Mapping():
            return freeze(dict(value))
        case frozenset():
            return sorted(value)
        case PasswordHash():
            return (value.algorithm, value.text)
        case _:
            return value
