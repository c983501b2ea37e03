"""A graph as lines of text: each exchange with its bindings, each queue with its dead letter exchange."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from attune_infra.render.words import visible
from attune_infra.topology.graph import Edge, EdgeKind, Graph, Node

_ARROWS = {EdgeKind.BINDING: "->", EdgeKind.DEAD_LETTERS: "- ->", EdgeKind.ALTERNATE: "...>"}


def outline(graph: Graph) -> str:
    """Return a paragraph for each node; `!` marks findings, and `*` the route of a message."""
    if not graph.nodes:
        return "  no exchanges and no queues\n"
    edges: dict[int, list[Edge]] = defaultdict(list)
    for edge in graph.edges:
        edges[edge.source].append(edge)
    lines = (line for number, node in enumerate(graph.nodes) for line in _paragraph(node, edges[number], graph))
    return "\n".join(map(visible, lines)) + "\n"


def _paragraph(node: Node, edges: list[Edge], graph: Graph) -> Iterator[str]:
    times = f" ×{node.count}" if node.count > 1 else ""
    yield _mark(f"{node.kind} {node.name}{times} ({node.detail})", node)
    for edge in edges:
        words = "" if edge.kind is EdgeKind.BINDING else f"{edge.kind} "
        keys = f"  with {', '.join(edge.labels)}" if edge.labels else ""
        yield _mark(f"    {words}{_ARROWS[edge.kind]} {graph.nodes[edge.target].name}{keys}", edge)


def _mark(text: str, thing: Node | Edge) -> str:
    if thing.codes:
        return f"! {text}  [{' '.join(thing.codes)}]"
    return f"* {text}" if thing.highlighted else f"  {text}"
