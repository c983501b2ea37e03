"""The permissions that the steps of a migration need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from attune_infra.topology.facts.between import ledger_of
from attune_infra.topology.facts.permissions import Right, rights_to_create, rights_to_delete, rights_to_publish
from attune_infra.topology.model import Exchange, Queue
from attune_infra.topology.permissions.moving import rights_to_take
from attune_infra.topology.permissions.needs import Need, Over
from attune_infra.topology.planning.migration import Stage, Step


def needs_of_steps(steps: Iterable[Step], exchanges: Mapping[str, Exchange]) -> Iterator[Need]:
    """Yield the needs of the steps of a migration, among these exchanges of the broker."""
    made = {item.name: item for step in steps for item in step.make if isinstance(item, Exchange)}
    known = {**exchanges, **made}
    for step in steps:
        for item in step.make:
            yield from _over(Over.AMQP, rights_to_create(item, known))
        for binding in step.unbind:
            yield from _over(
                Over.AMQP if step.stage is Stage.SWITCH else Over.HTTP, rights_to_delete(binding, known)
            )
        if step.move:
            yield from _over(Over.AMQP, rights_to_take(step.move, known))
            yield from _over(Over.AMQP, rights_to_publish(step.via, "", known))
        ledger = [Queue(name=ledger_of(step.move))] if step.move else []
        for item in (*step.delete, *ledger):
            yield from _over(Over.HTTP, rights_to_delete(item, known))


def _over(over: Over, rights: Iterable[Right]) -> Iterator[Need]:
    return (Need(over, right) for right in rights)
