"""Delete the leftovers of workers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from attune_infra.operations.progress import Watch, watched
from attune_infra.topology.planning.report import Outcome, Report, Status

if TYPE_CHECKING:
    from attune_infra.fleet.leftovers import Leftover, Leftovers
    from attune_infra.interfaces import Broker


def remove(leftovers: Leftovers, broker: Broker, *, watch: Watch = lambda *_: None) -> Report:
    """Delete leftovers and report on each; the broker keeps a queue in use unless they say otherwise.

    The broker checks each queue once more, just before its deletion.
    """
    broker.check_same_cluster()
    known = {item.object: item for item in leftovers.items}
    deleted = broker.delete(known, even_if_used=leftovers.even_if_used)
    outcomes = watched(deleted, len(known), watch)
    return Report(tuple(_with_loss(outcome, known[outcome.object]) for outcome in outcomes))  # type: ignore[index]


def _with_loss(outcome: Outcome, item: Leftover) -> Outcome:
    return replace(outcome, loss=item.loss) if outcome.status is Status.DELETED and item.used else outcome
