"""A report: the outcome of each object."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Final

from attune_infra.render.data import Data, sort_data
from attune_infra.render.objects import (
    difference_data,
    difference_lines,
    identify,
    loss_data,
    loss_lines,
    stake_data,
    stake_lines,
    why_not_in_place,
)
from attune_infra.render.text import Line
from attune_infra.render.words import declaration
from attune_infra.topology.model import label
from attune_infra.topology.planning.report import Outcome, Report, Status
from attune_infra.topology.words import counted

_HEADLINES: Final = {
    Status.UNCHANGED: ("  {declared}: unchanged", ""),
    Status.CREATED: ("+ {declared}: created", "green"),
    Status.UPDATED: ("~ {declared}: updated", "yellow"),
    Status.RECREATED: ("~ {declared}: recreated", "yellow"),
    Status.DELETED: ("- {label}: deleted", "red"),
    Status.DIFFERS: ("! {label} exists but differs", "red"),
    Status.KEPT: ("! {label} is kept: {reason}", "red"),
    Status.WITHHELD: ("! {label} is not set: {reason}", "red"),
    Status.FAILED: ("! {label} could not be created: {reason}", "red"),
    Status.SKIPPED: ("! {label} skipped: {reason}", "red"),
    Status.AWAITED: ("! {label} {reason}", "red"),
    Status.DOWN: ("! {label} exists, but its state is {reason}", "red"),
}
_MADE: Final = {Status.CREATED, Status.UPDATED, Status.DELETED}
_LOSSES: Final = {
    Status.RECREATED: "lost with the old one",
    Status.FAILED: "lost with the old one",
    Status.DELETED: "lost with it",
}


def lines(report: Report) -> Iterator[Line]:
    for outcome in report.outcomes:
        yield from outcome_lines(outcome)
    yield Line(summary(report))


def data(report: Report) -> Data:
    return {"objects": sort_data(_outcome_data(outcome) for outcome in report.outcomes)}


def summary(report: Report) -> str:
    counts = report.counts()
    words = ", ".join(f"{counts[status]} {status}" for status in Status if counts[status])
    return f"{counted(len(report.outcomes), 'object')}: {words}"


def outcome_lines(outcome: Outcome) -> Iterator[Line]:
    template, style = _HEADLINES[outcome.status]
    item = outcome.object
    yield Line(template.format(declared=declaration(item), label=label(item), reason=outcome.reason), style)
    yield from difference_lines(outcome.differences)
    if outcome.status is Status.DIFFERS:
        yield why_not_in_place(outcome.differences)
        if outcome.reason:
            yield Line(f"      it is kept: {outcome.reason}")
    if outcome.loss:
        headline = _LOSSES.get(outcome.status, "would be lost")
        yield from loss_lines(headline, outcome.loss, outcome.lost, outcome.again)
    yield from stake_lines(outcome.stakes, "was at stake" if outcome.status in _MADE else "at stake")
    if outcome.instead and outcome.status is Status.DIFFERS:
        from attune_infra.topology.document.write import policy_line  # rarely needed, and YAML is slow to load

        yield Line("      this policy has the same effect, if the document leaves out the arguments:")
        yield Line(f"        {policy_line(outcome.instead)}")


def _outcome_data(outcome: Outcome) -> Data:
    found = {**identify(outcome.object), "status": str(outcome.status)}
    if outcome.reason:
        found["reason"] = outcome.reason
    if outcome.loss:
        found |= loss_data(outcome.loss, outcome.lost, outcome.again)
    found |= stake_data(outcome.stakes)
    if outcome.instead:
        found["instead"] = asdict(outcome.instead)
    return found | difference_data(outcome.differences)
