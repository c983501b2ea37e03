"""A graph in the language of Graphviz."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attune_infra.render.words import visible
from attune_infra.topology.graph.values import Edge, EdgeKind, Graph, Node, NodeKind, shorten_labels
from attune_infra.topology.model import Severity
from attune_infra.topology.words import counted

_NODES: Final = {
    NodeKind.EXCHANGE: 'shape=box, style="rounded,filled", fillcolor="#e8f0fe", color="#3367d6"',
    NodeKind.QUEUE: 'shape=box, style=filled, fillcolor="#e9f6ec", color="#2e7d46"',
    NodeKind.MISSING: 'shape=box, style=dashed, color="#c5221f", fontcolor="#c5221f"',
    NodeKind.GROUP: 'shape=box3d, style=filled, fillcolor="#f3eefa", color="#8a6fb8"',
    NodeKind.BROKER: 'shape=component, style=filled, fillcolor="#f1f3f4", color="#5f6368"',
}
_EDGES: Final = {
    EdgeKind.BINDING: "solid",
    EdgeKind.DEAD_LETTERS: "dashed",
    EdgeKind.ALTERNATE: "dotted",
    EdgeKind.SHOVEL: "bold",
    EdgeKind.FEDERATION: "bold",
}
_COLOURS: Final = {Severity.ERROR: "#c5221f", Severity.WARNING: "#e37400", Severity.INFO: "#5f6368"}
_ESCAPES: Final = str.maketrans({"\\": "\\\\", '"': '\\"', "&": "&amp;"})
"""Characters to escape in a string of Graphviz, which knows entities as HTML does."""
_HIGHLIGHT_COLOUR: Final = "#8430ce"


def dot(graph: Graph) -> str:
    """Return the text of a digraph; any character of a name stands for itself."""
    return "\n".join(_lines(graph)) + "\n"


def _lines(graph: Graph) -> Iterator[str]:
    yield f"digraph {_quote(graph.name or 'topology')} {{"
    yield "  rankdir=LR; nodesep=0.3; ranksep=0.9;"
    yield '  node [fontname="Helvetica"]; edge [fontname="Helvetica", fontsize=10];'
    for number, node in enumerate(graph.nodes):
        yield f"  n{number} [{_node(node)}];"
    for edge in graph.edges:
        yield f"  n{edge.source} -> n{edge.target} [{_edge(edge)}];"
    for number, group in enumerate(graph.groups):
        members = " ".join(f"n{member};" for member in group.members)
        title = f"{group.name}: {counted(graph.queues_in(group), 'queue')}"
        yield f'  subgraph cluster{number} {{ label={_quote(title)}; color="#8a6fb8"; {members} }}'
    yield "}"


def _node(node: Node) -> str:
    times = f" ×{node.count}" if node.count > 1 else ""
    lines = [f"{node.name}{times}", node.detail, *_codes(node.codes)]
    return f"label={_quote(*lines)}, {_NODES[node.kind]}{_emphasis(node)}"


def _edge(edge: Edge) -> str:
    lines = [*shorten_labels(edge.labels), *_codes(edge.codes)]
    if edge.kind is not EdgeKind.BINDING:
        lines.insert(0, str(edge.kind))
    return f"label={_quote(*lines)}, style={_EDGES[edge.kind]}{_emphasis(edge)}"


def _emphasis(thing: Node | Edge) -> str:
    """Return attributes for the end, where they override those before them."""
    if thing.highlighted:
        return f', color="{_HIGHLIGHT_COLOUR}", penwidth=3'
    return f', color="{_COLOURS[thing.severity]}", penwidth=2' if thing.severity else ""


def _codes(codes: tuple[str, ...]) -> list[str]:
    return [" ".join(codes)] if codes else []


def _quote(*lines: str) -> str:
    """Return a string of several lines in which every character stands for itself."""
    escaped = (visible(line).translate(_ESCAPES) for line in lines)
    return '"' + "\\n".join(escaped) + '"'
