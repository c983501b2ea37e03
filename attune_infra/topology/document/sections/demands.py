"""The demands of a document on the broker: `expect_cluster` and `protect`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attune_infra.topology.document.selectors import KINDS, selector_problem
from attune_infra.topology.target import Demands

if TYPE_CHECKING:
    import yaml

    from attune_infra.topology.document.nodes import Nodes


def read_demands(document: Nodes, keys: Mapping[str, yaml.Node]) -> Demands:
    """Return the demands; report what is wrong with them as problems of the document."""
    cluster = document.string(keys.get("expect_cluster"), "") or None
    protect = []
    for node in document.sequence(keys.get("protect"), "protect"):
        selector = document.string(node, "")
        if what := selector_problem(selector):
            document.problem(node, f"the selector {what}; write KIND:NAME, as in queue:orders.*")
        protect.append(selector)
    return Demands(cluster, tuple(protect))


def extends_schema() -> dict[str, Any]:
    return {
        "type": "string",
        "minLength": 1,
        "description": "File, relative to this one, or built-in topology that this document changes: keys are"
        " merged, null removes one; bindings, routes and patterns are added.",
    }


def demands_schema() -> dict[str, Any]:
    return {
        "expect_cluster": {
            "type": ["string", "null"],
            "description": "Name of the cluster that this document is for; any other is refused.",
        },
        "protect": {
            "type": ["array", "null"],
            "items": {"type": "string", "minLength": 1},
            "description": "Objects that no option can delete, as KIND:NAME with * for any characters;"
            f" KIND is {', '.join(KINDS[:-1])} or {KINDS[-1]}, or left out for all of them.",
        },
    }
