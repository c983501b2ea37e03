"""A graph as lines of text: each exchange with the ways out of it, each queue with that of its dead letters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from attune_infra.render.words import visible
from attune_infra.topology.graph import Edge, EdgeKind, Graph, Node

_ARROWS = {EdgeKind.BINDING: "->", EdgeKind.DEAD_LETTERS: "- ->", EdgeKind.ALTERNATE: "...>"}


def outline(graph: Graph) -> str:
    """Return a paragraph for each node; what lint found stands behind a `!`, the way of a message behind a `*`."""
    ways: dict[int, list[Edge]] = defaultdict(list)
    for edge in graph.edges:
        ways[edge.source].append(edge)
    lines = (line for number, node in enumerate(graph.nodes) for line in _paragraph(node, ways[number], graph))
    return "\n".join(map(visible, lines)) + "\n" if graph.nodes else "  no exchanges and no queues\n"


def _paragraph(node: Node, ways: list[Edge], graph: Graph) -> Iterator[str]:
    times = f" ×{node.count}" if node.count > 1 else ""
    yield _signed(f"{node.kind} {node.name}{times} ({node.detail})", node)
    for edge in ways:
        words = "" if edge.kind is EdgeKind.BINDING else f"{edge.kind} "
        keys = f"  with {', '.join(edge.labels)}" if edge.labels else ""
        yield _signed(f"    {words}{_ARROWS[edge.kind]} {graph.nodes[edge.target].name}{keys}", edge)


def _signed(text: str, thing: Node | Edge) -> str:
    sign = "!" if thing.codes else "*" if thing.highlighted else " "
    return f"{sign} {text}" + (f"  [{' '.join(thing.codes)}]" if thing.codes else "")
