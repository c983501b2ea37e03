"""Take away what workers left behind."""

from __future__ import annotations

from dataclasses import replace

from attune_infra.fleet.leftovers import Leftover, Leftovers
from attune_infra.interfaces import Broker
from attune_infra.topology.report import Outcome, Report, Status


def remove(leftovers: Leftovers, broker: Broker, *, even_if_used: bool) -> Report:
    """Delete queues and bindings; a queue that holds messages or has consumers is kept unless told otherwise.

    The broker looks at each once more just before it goes.
    """
    known = {item.object: item for item in leftovers.items}
    outcomes = broker.delete(known, even_if_used=even_if_used)
    return Report(tuple(_with_loss(outcome, known[outcome.object]) for outcome in outcomes))  # type: ignore[index]


def _with_loss(outcome: Outcome, item: Leftover) -> Outcome:
    return replace(outcome, loss=item.loss) if outcome.status is Status.DELETED and item.used else outcome
