"""The check of one wanted object, by the change that it needs."""

from __future__ import annotations

from attune_infra.topology.diff import Await, Changed, Create
from attune_infra.topology.facts.plugin_exchanges import lacks_type, plugin_hint
from attune_infra.topology.facts.unavailable import condition
from attune_infra.topology.facts.virtual_hosts import ignored_settings
from attune_infra.topology.model import Exchange, Queue, Topology, TopologyObject, VirtualHost, kind_of, label
from attune_infra.topology.verify.checks import Check, Code, Verdict


def code_of(item: TopologyObject) -> Code:
    return Code(f"{kind_of(item).replace('_', '-')}-matches")


def check_of_object(item: TopologyObject, change: Changed | None, have: Topology) -> Check:
    passed = Check(code_of(item), item, label(item), Verdict.PASSED)
    failed = passed._replace(verdict=Verdict.FAILED)
    there = have.queues.get(item.name) if isinstance(item, Queue) else None
    if isinstance(change, Create):
        if isinstance(item, Exchange) and lacks_type(item, have):
            detail = f"is missing, and the broker has no exchange type {item.type}"
            return failed._replace(detail=detail, hint=plugin_hint(item.type))
        return failed._replace(detail="is missing")
    if isinstance(change, Await):
        return failed._replace(detail=change.reason, differences=change.differences)
    if change is not None:
        return failed._replace(detail="differs", differences=change.differences)
    if there and not there.works:
        return failed._replace(detail=f"exists, but its state is {condition(there)}")
    if isinstance(item, VirtualHost) and (ignored := dict(ignored_settings(item, have))):
        return passed._replace(verdict=Verdict.WARNING, detail="; ".join(ignored.values()))
    return passed
