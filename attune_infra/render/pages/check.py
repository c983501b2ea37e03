"""Checked documents: their contents, or their problems."""

from __future__ import annotations

from collections.abc import Iterator

from attune_infra.render.data import Data
from attune_infra.render.text import Line
from attune_infra.topology.check import CheckedText, CheckedTexts, count_objects
from attune_infra.topology.document.problems import Problem


def lines(checked: CheckedTexts) -> Iterator[Line]:
    for each in checked.texts:
        if each.topology is not None:
            yield Line(f"{each.source}: ok, {count_objects(each.topology)}", "green")


def data(checked: CheckedTexts) -> Data:
    return {"documents": [_text_data(each) for each in checked.texts]}


def _text_data(checked: CheckedText) -> Data:
    if checked.topology is None:
        failure = [] if checked.failure is None else [{"what": checked.failure}]
        return {"file": checked.source, "problems": failure + [_problem(each) for each in checked.problems]}
    topology, workers = checked.topology, checked.topology.workers
    return {
        "file": checked.source,
        "problems": [],
        "topology": topology.name,
        "exchanges": len(topology.exchanges),
        "queues": len(topology.queues),
        "bindings": len(topology.bindings),
        "policies": len(topology.policies),
        "queues_per_worker": len(workers.queues) if workers else 0,
        "routes": len(topology.routes),
    }


def _problem(problem: Problem) -> Data:
    return {"line": problem.line, "column": problem.column, "what": problem.what}
