"""Put back old objects that were deleted to be recreated, where RabbitMQ refused the new ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from attune_infra.errors import BrokerError
from attune_infra.topology.diff import Create, change_of
from attune_infra.topology.model import Binding, Exchange, Queue, Topology, TopologyObject, kind_of
from attune_infra.topology.planning.report import Loss, Outcome, Status

if TYPE_CHECKING:
    from attune_infra.interfaces import Broker


def put_back_old(
    losses: Sequence[Outcome], made: Mapping[TopologyObject, Outcome], before: Topology, broker: Broker
) -> dict[TopologyObject, Outcome]:
    """Declare old objects and their bindings again; return the outcomes of what was `made`, corrected.

    `losses` are the losses by the deletion of the old objects, which the broker had `before`.
    """
    wanted_back = {loss.object: tuple(_old_objects(loss, before)) for loss in losses}
    try:
        reasons = _declare(dict.fromkeys(item for items in wanted_back.values() for item in items), broker)
        now = broker.read()
    except BrokerError as error:
        why = f"and cannot be put back: {error.sentence}"
        return {loss.object: _outcome(loss, made[loss.object], why, loss.lost + loss.again) for loss in losses}
    found = {item: Outcome(item, Status.UNCHANGED) for item in _present(made, now)}
    for loss in losses:
        old, *companions = wanted_back[loss.object]
        lost = [item for item in (*companions, *_odd(loss)) if change_of(item, now) is not None]
        why = "and is put back"
        if change_of(old, now) is not None:
            why = f"and RabbitMQ refused to put it back: {reasons.get(old, 'it does not exist now')}"
        found[loss.object] = _outcome(loss, made[loss.object], why, lost)
    return found


def _old_objects(loss: Outcome, before: Topology) -> Iterator[Exchange | Queue | Binding]:
    """Yield the old forms of a deleted object and of what went along, as far as a request can make them."""
    for item in (loss.object, *loss.lost, *loss.again):
        old: TopologyObject | None = item
        if isinstance(item, Exchange):
            old = before.find_exchange(item.name)
        elif isinstance(item, Queue):
            old = before.find_queue(item.name)
        if isinstance(old, Exchange | Queue) or (isinstance(old, Binding) and old.key_is_text):
            yield old


def _odd(loss: Outcome) -> Iterator[Binding]:
    """Yield the bindings that no request can make."""
    return (item for item in loss.lost if isinstance(item, Binding) and not item.key_is_text)


def _declare(items: Iterable[TopologyObject], broker: Broker) -> Mapping[TopologyObject, str]:
    """Declare those objects that are missing; return the reasons of those that failed."""
    now = broker.read()
    missing = [Create(item) for item in items if isinstance(change_of(item, now), Create)]
    outcomes = broker.apply(missing)
    return {outcome.object: outcome.reason for outcome in outcomes if outcome.reason}


def _present(made: Mapping[TopologyObject, Outcome], now: Topology) -> Iterator[TopologyObject]:
    """Yield the wanted objects that exist now, though they could not be made."""
    for item, outcome in made.items():
        failed = outcome.status in {Status.FAILED, Status.SKIPPED} and kind_of(item) not in now.unread
        if failed and change_of(item, now) is None:
            yield item


def _outcome(loss: Outcome, failed: Outcome, why: str, items: Iterable[TopologyObject]) -> Outcome:
    lost = tuple(item for item in items if isinstance(item, Exchange | Binding))
    bindings = sum(isinstance(item, Binding) for item in lost)
    counts = loss.loss or Loss(messages=None, consumers=None, bindings=0)
    return replace(
        loss,
        status=Status.FAILED,
        reason=f"{failed.reason}; the old {kind_of(loss.object)} was deleted before, {why}",
        loss=replace(counts, bindings=bindings, exchanges=len(lost) - bindings),
        lost=lost,
        again=(),
        instead=None,
        attempted=failed.attempted,
        denied=failed.denied,
    )
