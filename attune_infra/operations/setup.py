"""Make a broker hold what is wanted, and read back whether it does."""

from __future__ import annotations

from dataclasses import replace

from attune_infra.interfaces import Broker
from attune_infra.topology.diff import Change, Recreate, diff
from attune_infra.topology.model import Topology, TopologyObject
from attune_infra.topology.plan import Plan
from attune_infra.topology.report import Outcome, Report, Status


def setup(broker: Broker, want: Topology) -> Report:
    """Make what is missing; name what differs; return what became of every wanted object.

    Nothing is deleted. Several may run at once: what another one made meanwhile counts as made.
    """
    plan = Plan.between(broker.read(), want)
    outcomes: dict[TopologyObject, Outcome] = {
        item: Outcome(item, Status.UNCHANGED) for item in plan.unchanged
    } | {conflict.want: _differs(conflict) for conflict in plan.conflicts}
    if plan.applicable:
        applied = [*broker.apply(plan.applicable)]
        lacking = {change.want: change for change in diff(broker.read(), want)}
        outcomes |= {outcome.object: _read_back(outcome, lacking.get(outcome.object)) for outcome in applied}
    return Report(tuple(outcomes[item] for item in want.objects()))


def _read_back(outcome: Outcome, lacking: Change | None) -> Outcome:
    """Hold what was reported against what is there now."""
    match lacking:
        case None if outcome.status in {Status.FAILED, Status.SKIPPED}:
            return Outcome(outcome.object, Status.UNCHANGED)
        case Recreate():
            return _differs(lacking)
        case _ if lacking is not None and outcome.status in {Status.CREATED, Status.UPDATED}:
            return replace(outcome, status=Status.FAILED, reason="the broker agreed, but it is not there now")
        case _:
            return outcome


def _differs(conflict: Recreate) -> Outcome:
    return Outcome(conflict.want, Status.DIFFERS, differences=conflict.differences)
