"""A report: the outcome of each object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from attune_infra.render.data import sort_data
from attune_infra.render.objects import (
    difference_data,
    difference_lines,
    identify,
    loss_data,
    loss_lines,
    remedy_data,
    remedy_lines,
    stake_data,
    stake_lines,
    why_not_in_place,
)
from attune_infra.render.text import Level, Line, at_level
from attune_infra.render.words import declaration
from attune_infra.topology.model import label
from attune_infra.topology.permissions.needs import Need
from attune_infra.topology.planning.report import Outcome, Report, Status
from attune_infra.topology.words import counted

if TYPE_CHECKING:
    from attune_infra.contract.plans import OutcomeData, ReportData

_HEADLINES: Final = {
    Status.UNCHANGED: ("  {declared}: unchanged", ""),
    Status.ACCEPTED: ("  {declared}: accepted", ""),
    Status.CREATED: ("+ {declared}: created", "green"),
    Status.UPDATED: ("~ {declared}: updated", "yellow"),
    Status.RECREATED: ("~ {declared}: recreated", "yellow"),
    Status.DELETED: ("- {label}: deleted", "red"),
    Status.DIFFERS: ("! {label} exists but differs", "red"),
    Status.KEPT: ("! {label} is kept: {reason}", "red"),
    Status.WITHHELD: ("! {label} is not set: {reason}", "red"),
    Status.FAILED: ("! {label} could not be {attempted}: {reason}", "red"),
    Status.SKIPPED: ("! {label} skipped: {reason}", "red"),
    Status.AWAITED: ("! {label} {reason}", "red"),
    Status.DOWN: ("! {label} exists, but its state is {reason}", "red"),
    Status.UNCHECKED: ("! {label} is not checked: {reason}", "red"),
}
_ACCEPTED: Final = "  accepted: over AMQP alone, RabbitMQ does not tell if it existed before"
_GRANTING: Final = "  an administrator can grant it; this replaces other tags and permissions that the user has:"
_MADE: Final = {Status.CREATED, Status.UPDATED, Status.DELETED}
_LOSSES: Final = {
    Status.RECREATED: "lost with the old one",
    Status.FAILED: "lost with the old one",
    Status.DELETED: "lost with it",
}


def lines(report: Report) -> Iterator[Line]:
    needs = report.needs_of_denied()
    for outcome in report.outcomes:
        shown = outcome_lines(outcome, needs.get(outcome.object, ()))
        yield from at_level(Level.DETAIL, shown) if outcome.status is Status.UNCHANGED else shown
    yield from grant_lines(report)
    yield from note_lines(report)
    yield Line(summary(report))


def data(report: Report) -> ReportData:
    needs = report.needs_of_denied()
    found = (_outcome_data(outcome, needs.get(outcome.object, ())) for outcome in report.outcomes)
    return {"objects": sort_data(found)}


def grant_lines(report: Report) -> Iterator[Line]:
    """Yield the lines of `rabbitmqctl` that grant what was denied."""
    granting = report.grants()
    if granting:
        yield Line(_GRANTING, level=Level.PROBLEM)
    for line in granting:
        yield Line(f"    {line}", level=Level.PROBLEM)


def note_lines(report: Report) -> Iterator[Line]:
    """Yield a line about the objects that were declared, and may have existed before."""
    if report.counts()[Status.ACCEPTED]:
        yield Line(_ACCEPTED)


def summary(report: Report) -> str:
    counts = report.counts()
    words = ", ".join(f"{counts[status]} {status}" for status in Status if counts[status])
    return f"{counted(len(report.outcomes), 'object')}: {words}"


def outcome_lines(outcome: Outcome, needs: Iterable[Need] = ()) -> Iterator[Line]:
    """Yield the lines of an outcome; `needs` is all that its change needs, if the user was denied some of it."""
    is_problem = _HEADLINES[outcome.status][0].startswith("!")
    return at_level(Level.PROBLEM if is_problem else Level.NORMAL, _lines_of(outcome, needs))


def _lines_of(outcome: Outcome, needs: Iterable[Need]) -> Iterator[Line]:
    template, style = _HEADLINES[outcome.status]
    item, words = outcome.object, {"attempted": outcome.attempted, "reason": outcome.reason}
    yield Line(template.format(declared=declaration(item), label=label(item), **words), style)
    if outcome.denied:
        yield Line(f"      user '{outcome.denied.user}' needs {', '.join(map(str, needs))}")
    yield from difference_lines(outcome.differences)
    if outcome.status is Status.DIFFERS and outcome.differences:
        yield why_not_in_place(outcome.differences)
        if outcome.reason:
            yield Line(f"      it is kept: {outcome.reason}")
    elif outcome.status is Status.DIFFERS:
        yield Line(f"      RabbitMQ says: {outcome.reason}")
        yield Line("      it is kept; over AMQP alone nothing is recreated")
    if outcome.loss:
        headline = _LOSSES.get(outcome.status, "would be lost")
        yield from loss_lines(headline, outcome.loss, outcome.lost, outcome.again)
    yield from stake_lines(outcome.stakes, "was at stake" if outcome.status in _MADE else "at stake")
    if outcome.status is Status.DIFFERS:
        yield from remedy_lines(outcome.instead, outcome.migrate)


def _outcome_data(outcome: Outcome, needs: Iterable[Need]) -> OutcomeData:
    found: OutcomeData = {**identify(outcome.object), "status": outcome.status}
    if outcome.reason:
        found["reason"] = outcome.reason
    if outcome.denied:
        found["denied"] = {"user": outcome.denied.user, "needs": [str(need) for need in needs]}
    if outcome.loss:
        found.update(loss_data(outcome.loss, outcome.lost, outcome.again))
    migrate = outcome.migrate if outcome.status is Status.DIFFERS else None
    return {
        **found,
        **remedy_data(outcome.instead, migrate),
        **stake_data(outcome.stakes),
        **difference_data(outcome.differences),
    }
