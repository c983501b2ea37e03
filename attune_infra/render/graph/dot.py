"""A graph in the language of Graphviz."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attune_infra.render.words import visible
from attune_infra.topology.graph import Edge, EdgeKind, Graph, Node, NodeKind, few
from attune_infra.topology.model import Severity

_NODES: Final = {
    NodeKind.EXCHANGE: 'shape=box, style="rounded,filled", fillcolor="#e8f0fe", color="#3367d6"',
    NodeKind.QUEUE: 'shape=box, style=filled, fillcolor="#e9f6ec", color="#2e7d46"',
    NodeKind.MISSING: 'shape=box, style=dashed, color="#c5221f", fontcolor="#c5221f"',
}
_EDGES: Final = {EdgeKind.BINDING: "solid", EdgeKind.DEAD_LETTERS: "dashed", EdgeKind.ALTERNATE: "dotted"}
_COLOURS: Final = {Severity.ERROR: "#c5221f", Severity.WARNING: "#e37400", Severity.INFO: "#5f6368"}
_ESCAPES: Final = str.maketrans({"\\": "\\\\", '"': '\\"', "&": "&amp;"})
"""Characters that are not themselves in a string of Graphviz, which knows entities as HTML does."""
_TAKEN: Final = "#8430ce"


def dot(graph: Graph) -> str:
    """Return the text of a digraph; whatever names hold stands there as text."""
    return "\n".join(_lines(graph)) + "\n"


def _lines(graph: Graph) -> Iterator[str]:
    yield f"digraph {_quoted(graph.name or 'topology')} {{"
    yield "  rankdir=LR; nodesep=0.3; ranksep=0.9;"
    yield '  node [fontname="Helvetica"]; edge [fontname="Helvetica", fontsize=10];'
    for number, node in enumerate(graph.nodes):
        yield f"  n{number} [{_node(node)}];"
    for edge in graph.edges:
        yield f"  n{edge.source} -> n{edge.target} [{_edge(edge)}];"
    yield "}"


def _node(node: Node) -> str:
    times = f" ×{node.count}" if node.count > 1 else ""
    lines = [f"{node.name}{times}", node.detail, *_codes(node.codes)]
    return f"label={_quoted(*lines)}, {_NODES[node.kind]}{_emphasis(node)}"


def _edge(edge: Edge) -> str:
    lines = [*([] if edge.kind is EdgeKind.BINDING else [str(edge.kind)]), *few(edge.labels), *_codes(edge.codes)]
    return f"label={_quoted(*lines)}, style={_EDGES[edge.kind]}{_emphasis(edge)}"


def _emphasis(thing: Node | Edge) -> str:
    """Return the attributes that come last, and so win."""
    if thing.highlighted:
        return f', color="{_TAKEN}", penwidth=3'
    return f', color="{_COLOURS[thing.severity]}", penwidth=2' if thing.severity else ""


def _codes(codes: tuple[str, ...]) -> list[str]:
    return [" ".join(codes)] if codes else []


def _quoted(*lines: str) -> str:
    """Return a string of several lines, in which no character is anything but itself."""
    escaped = (visible(line).translate(_ESCAPES) for line in lines)
    return '"' + "\\n".join(escaped) + '"'
