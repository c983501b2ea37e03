"""A plan, with the reasons why each object has drifted or not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attune_infra.render.data import sort_data
from attune_infra.render.objects import identify
from attune_infra.render.pages import plan
from attune_infra.render.text import Line
from attune_infra.topology.explain import ExplainedPlan
from attune_infra.topology.model import label

if TYPE_CHECKING:
    from attune_infra.contract.plans import ExplainedData, ExplanationData, KeptData
    from attune_infra.render.reports.review import Review


def lines(explained: ExplainedPlan) -> Iterator[Line]:
    yield from plan.lines(explained.plan)
    for explanation in explained.explanations:
        yield Line(f"{label(explanation.object)} {'has drifted' if explanation.drift else 'has not drifted'}")
        yield from (Line(f"      {reason}") for reason in explanation.reasons)
    for item, why in explained.kept:
        yield Line(f"{label(item)} is undeclared, and kept")
        yield Line(f"      {why}")


def data(explained: ExplainedPlan) -> ExplainedData:
    reasons: list[ExplanationData] = [
        {**identify(each.object), "drift": each.drift, "reasons": list(each.reasons)}
        for each in explained.explanations
    ]
    kept: list[KeptData] = [{**identify(item), "kept_because": why} for item, why in explained.kept]
    return {**plan.data(explained.plan), "explanations": sort_data(reasons), "kept": sort_data(kept)}


def review(explained: ExplainedPlan) -> Review:
    return plan.review(explained.plan)
