"""Objects that RabbitMQ deletes along with others, in a plan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from attune_infra.topology.diff import Change, Delete, Recreate
from attune_infra.topology.facts.deletion import Companion, Deletions, reason_to_keep
from attune_infra.topology.facts.machinery import with_hidden
from attune_infra.topology.model import Binding, Exchange, Topology, TopologyObject
from attune_infra.topology.planning.remedy import policy_instead

_Destructive = TypeVar("_Destructive", Recreate, Delete)


def with_companions(changes: Sequence[Change], have: Topology, want: Topology) -> tuple[Change, ...]:
    """Add to each destructive change the objects that RabbitMQ deletes along.

    The changes are made in this order: old objects of recreations are deleted, everything wanted is created,
    and undeclared objects are deleted.
    """
    deleted = {_identity(each.have) for each in changes if isinstance(each, Delete)}
    planned = deleted.union(_identity(each.want) for each in changes if isinstance(each, Recreate))
    if not planned:
        return tuple(changes)
    found: list[Change] = []
    whole = with_hidden(have)
    bindings, exchanges = whole.bindings, whole.exchanges
    before = Deletions(exchanges, bindings)
    gone: set[object] = set()
    for change in changes:
        if isinstance(change, Recreate):
            companions = before.delete(change.want)
            gone.update(map(_identity, companions))
            with_remedy = replace(change, instead=policy_instead(change, have, want))
            found.append(_with_fates(with_remedy, companions, planned, want))
        elif not isinstance(change, Delete):
            found.append(change)
    kept = {name: item for name, item in exchanges.items() if _identity(item) not in gone}
    after = Deletions(kept | dict(want.exchanges), want.bindings.union(bindings - gone))
    for change in changes:
        if isinstance(change, Delete):
            item = change.have
            kept_by = after.bindings_from(item.name) if isinstance(item, Exchange) else ()
            companions = () if kept_by or reason_to_keep(item) else after.delete(item)
            found.append(replace(_with_fates(change, companions, deleted, want), kept_by=kept_by))
    return tuple(_with_hold(change, after) for change in found)


def _with_hold(change: Change, after: Deletions) -> Change:
    """Return a deletion with the mark that it cannot be made, if that is so; any other change unchanged."""
    if not isinstance(change, Delete) or reason_to_keep(change.have) is None:
        return change
    return replace(change, stuck=isinstance(change.have, Binding) and after.has(change.have))


def _with_fates(
    change: _Destructive, companions: Iterable[Companion], planned: set[object], want: Topology
) -> _Destructive:
    """Return a change with the objects that it takes along, except those that have a change of their own."""
    again: list[Companion] = []
    lost: list[Companion] = []
    for item in companions:
        if _identity(item) in planned:
            continue
        wanted = _wanted_form(item, want)
        if wanted is not None:
            again.append(wanted)
        else:
            lost.append(item)
    return replace(change, again=tuple(again), lost=tuple(lost))


def _wanted_form(item: Companion, want: Topology) -> Companion | None:
    """Return the wanted form of an existing object; None if it is not wanted."""
    if isinstance(item, Exchange):
        exchange = want.exchanges.get(item.name)
        return None if exchange is None or exchange.external else exchange
    return item if item in want.bindings else None


def _identity(item: TopologyObject) -> object:
    return item if isinstance(item, Binding) else (type(item), item.name)
