"""A graph as lines of text: each exchange with its bindings, each queue with its dead letter exchange."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from attune_infra.render.words import visible
from attune_infra.topology.graph.values import Edge, EdgeKind, Graph, Node
from attune_infra.topology.words import counted

_ARROWS = {
    EdgeKind.BINDING: "->",
    EdgeKind.DEAD_LETTERS: "- ->",
    EdgeKind.ALTERNATE: "...>",
    EdgeKind.SHOVEL: "=>",
    EdgeKind.FEDERATION: "=>",
}


def outline(graph: Graph) -> str:
    """Return a paragraph for each node, groups first; `!` marks findings, and `*` the route of a message."""
    if not graph.nodes:
        return "  no exchanges and no queues\n"
    return "\n".join(map(visible, _lines(graph))) + "\n"


def _lines(graph: Graph) -> Iterator[str]:
    edges: dict[int, list[Edge]] = defaultdict(list)
    for edge in graph.edges:
        edges[edge.source].append(edge)
    for title, members in _sections(graph):
        if title:
            yield f"  {title}"
        for number in members:
            yield from _paragraph(graph.nodes[number], edges[number], graph)
    if graph.left_out:
        yield f"  {counted(graph.left_out, 'object')} further away not shown; --depth shows more"


def _sections(graph: Graph) -> Iterator[tuple[str, Sequence[int]]]:
    """Yield the title and the members of each group, and of the rest; no titles if there are no groups."""
    for group in graph.groups:
        yield f"group {group.name}: {counted(graph.queues_in(group), 'queue')}", group.members
    grouped = {member for group in graph.groups for member in group.members}
    rest = [number for number in range(len(graph.nodes)) if number not in grouped]
    if rest:
        yield "no group" if graph.groups else "", rest


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
