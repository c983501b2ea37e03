"""Checked documents: their contents, or their problems."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attune_infra.errors import ErrorCode
from attune_infra.links import code_url
from attune_infra.render.objects import problem_data
from attune_infra.render.text import Line
from attune_infra.topology.check import CheckedText, CheckedTexts, count_objects, parameter_counts

if TYPE_CHECKING:
    from attune_infra.contract.checks import CheckedData, CheckedProblemData, CheckedTextsData
    from attune_infra.render.reports.review import Review


def lines(checked: CheckedTexts) -> Iterator[Line]:
    for each in checked.texts:
        if each.topology is not None:
            yield Line(f"{each.source}: ok, {count_objects(each.topology)}", "green")


def data(checked: CheckedTexts) -> CheckedTextsData:
    return {"documents": [_text_data(each) for each in checked.texts]}


def review(checked: CheckedTexts) -> Review:
    from attune_infra.render.reports.check import review_of

    return review_of(checked)


def _text_data(checked: CheckedText) -> CheckedData:
    if checked.topology is None:
        return {"file": checked.source, "problems": list(_problems(checked))}
    topology, workers = checked.topology, checked.topology.workers
    parameters = parameter_counts(topology)
    found: CheckedData = {
        "file": checked.source,
        "problems": [],
        "topology": topology.name,
        "exchanges": len(topology.exchanges),
        "queues": len(topology.queues),
        "bindings": len(topology.bindings),
        "policies": len(topology.policies),
        "operator_policies": len(topology.operator_policies),
        "users": len(topology.users),
        "limits": len(topology.limits),
        "permissions": len(topology.permissions),
        "topic_permissions": len(topology.topic_permissions),
        "federation_upstreams": parameters["federation_upstream"],
        "federation_upstream_sets": parameters["federation_upstream_set"],
        "shovels": parameters["shovel"],
        "parameters": parameters["parameter"],
        "global_parameters": parameters["global_parameter"],
        "queues_per_worker": len(workers.queues) if workers else 0,
        "routes": len(topology.routes),
    }
    if topology.virtual_host is not None:
        found["virtual_host"] = topology.virtual_host.name
    return found


def _problems(checked: CheckedText) -> Iterator[CheckedProblemData]:
    """Yield the reason why a file could not be read, or the problems in it."""
    if checked.failure is not None:
        code = ErrorCode.INVALID_INPUT
        unread: CheckedProblemData = {"code": code, "url": code_url(code), "what": checked.failure}
        yield {**unread, "hint": checked.hint} if checked.hint else unread
    for problem in checked.problems:
        found: CheckedProblemData = {**problem_data(problem)}
        yield {**found, "file": problem.source} if problem.source else found
