"""A worker registered and provisioned in one step, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attune_infra.fleet.enlist import Enlisted
from attune_infra.render.pages import provision, register, report
from attune_infra.render.text import Line
from attune_infra.topology.model import Queue
from attune_infra.topology.planning.report import Report

if TYPE_CHECKING:
    from attune_infra.contract.workers import EnlistedData


def lines(enlisted: Enlisted) -> Iterator[Line]:
    yield from provision.lines(enlisted.provisioned)
    if enlisted.registered:
        yield from register.lines(enlisted.worker)
    else:
        left = Report(enlisted.left)
        needs = left.needs_of_denied()
        for outcome in enlisted.left:
            yield from report.outcome_lines(outcome, needs.get(outcome.object, ()))
        yield from report.grant_lines(left)
        undone = "its queues are left behind" if enlisted.left else "everything was undone"
        yield Line(f"! worker {enlisted.worker.name} is not registered: {undone}", "red")


def data(enlisted: Enlisted) -> EnlistedData:
    return {
        **provision.data(enlisted.provisioned),
        **register.data(enlisted.worker),
        "registered": enlisted.registered,
        "left_behind": sorted(
            outcome.object.name for outcome in enlisted.left if isinstance(outcome.object, Queue)
        ),
    }
