"""The outcomes that a setup over AMQP alone would have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from attune_infra.render.pages import report
from attune_infra.render.text import Level, Line, at_level
from attune_infra.topology.model import label
from attune_infra.topology.planning.report import Outcome, Status
from attune_infra.topology.words import counted

if TYPE_CHECKING:
    from attune_infra.contract.plans import ForecastData
    from attune_infra.topology.planning.over_amqp import Forecast

_WORDS: Final = {
    Status.CREATED: ("+ {label} is missing, and would be created", "green"),
    Status.ACCEPTED: ("  {label} would be declared: {reason}", ""),
    Status.UNCHANGED: ("  {label}: {reason}", ""),
}


def lines(forecast: Forecast) -> Iterator[Line]:
    for outcome in forecast.report.outcomes:
        shown = _lines_of(outcome)
        yield from at_level(Level.DETAIL, shown) if outcome.status is Status.UNCHANGED else shown
    counts = forecast.report.counts()
    words = ", ".join(f"{counts[status]} {status}" for status in Status if counts[status])
    yield Line(f"nothing is changed; {counted(len(forecast.report.outcomes), 'object')} would be: {words}")


def data(forecast: Forecast) -> ForecastData:
    return {"forecast": report.data(forecast.report)["objects"]}


def _lines_of(outcome: Outcome) -> Iterator[Line]:
    if outcome.status not in _WORDS:
        yield from report.outcome_lines(outcome)
        return
    words, style = _WORDS[outcome.status]
    yield Line(words.format(label=label(outcome.object), reason=outcome.reason or "unchanged"), style)
