"""A graph as plain data: a node for each object, an edge for each binding, for machines and for the HTML page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from attune_infra.render.data import Data
from attune_infra.topology.graph.values import Edge, EdgeKind, Graph, Node, NodeKind
from attune_infra.topology.lint.finding import Finding
from attune_infra.topology.lint.rules import url_of
from attune_infra.topology.model import Exchange, Queue

_KINDS: Final = {
    EdgeKind.BINDING: "binding",
    EdgeKind.DEAD_LETTERS: "dead-letter",
    EdgeKind.ALTERNATE: "alternate",
    EdgeKind.SHOVEL: "shovel",
    EdgeKind.FEDERATION: "federation",
}


def graph_data(graph: Graph) -> Data:
    """Return the keys `name`, `nodes`, `edges`, `groups` and `left_out`.

    The id of a node is its kind and name, such as `queue jobs`: edges and groups name nodes by it.
    """
    ids = [node.id for node in graph.nodes]
    group_of = {member: group.name for group in graph.groups for member in group.members}
    nodes = (
        {**_node(node, ids[number]), "group": group_of.get(number)} for number, node in enumerate(graph.nodes)
    )
    edges = (found for edge in graph.edges for found in _edges(edge, ids))
    groups = (
        {
            "name": group.name,
            "queues": graph.queues_in(group),
            "members": sorted(ids[member] for member in group.members),
        }
        for group in graph.groups
    )
    return {
        "name": graph.name,
        "nodes": sorted(nodes, key=lambda node: str(node["id"])),
        "edges": list(edges),
        "groups": list(groups),
        "left_out": graph.left_out,
    }


def _node(node: Node, node_id: str) -> Data:
    return {
        "id": node_id,
        "kind": node.of,
        "name": node.name,
        "missing": node.kind is NodeKind.MISSING,
        "count": node.count,
        "per_worker": node.per_worker,
        "detail": node.detail,
        "highlighted": node.highlighted,
        "findings": _findings(node.findings),
        **_attributes(node.item),
    }


def _attributes(item: Exchange | Queue | None) -> Data:
    match item:
        case Exchange():
            own: Data = {"type": item.type, "internal": item.internal}
        case Queue():
            own = {"type": item.type, "exclusive": item.exclusive}
        case None:
            return {"arguments": {}}
    return {
        **own,
        "durable": item.durable,
        "auto_delete": item.auto_delete,
        "external": item.external,
        "arguments": dict(item.arguments),
    }


def _edges(edge: Edge, ids: list[str]) -> Iterator[Data]:
    """Yield an edge for each binding."""
    for way in edge.ways:
        yield {
            "source": ids[edge.source],
            "target": ids[edge.target],
            "kind": _KINDS[edge.kind],
            "key": way.key,
            "arguments": dict(way.arguments),
            "highlighted": way.highlighted,
            "findings": _findings(way.findings),
        }


def _findings(findings: Iterable[Finding]) -> list[Data]:
    return [
        {
            "code": finding.rule,
            "url": url_of(finding.rule),
            "severity": str(finding.severity),
            "what": finding.what,
            "remedy": finding.remedy,
        }
        for finding in findings
    ]
