"""A graph as a Mermaid flowchart, which GitHub and many editors draw."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attune_infra.render.words import visible
from attune_infra.topology.graph.values import Edge, EdgeKind, Graph, Node, NodeKind, shorten_labels
from attune_infra.topology.words import counted

_SHAPES: Final = {
    NodeKind.EXCHANGE: '(["{}"])',
    NodeKind.QUEUE: '["{}"]',
    NodeKind.MISSING: '{{{{"{}"}}}}',
    NodeKind.GROUP: '[["{}"]]',
    NodeKind.BROKER: '[("{}")]',
}
_LINES: Final = {
    EdgeKind.BINDING: "-->",
    EdgeKind.DEAD_LETTERS: "-.->",
    EdgeKind.ALTERNATE: "-.->",
    EdgeKind.SHOVEL: "==>",
    EdgeKind.FEDERATION: "==>",
}

_CLASSES: Final = (
    "classDef exchange fill:#e8f0fe,stroke:#3367d6,color:#1a2b4c",
    "classDef queue fill:#e9f6ec,stroke:#2e7d46,color:#173a22",
    "classDef missing fill:#fff,stroke:#c5221f,color:#c5221f,stroke-dasharray:4 3",
    "classDef broker fill:#f1f3f4,stroke:#5f6368,color:#202124",
    "classDef group fill:#f3eefa,stroke:#8a6fb8,color:#3c2a5c",
    "classDef warning stroke:#e37400,stroke-width:3px",
    "classDef error stroke:#c5221f,stroke-width:3px",
    "classDef highlighted stroke:#8430ce,stroke-width:4px",
)


def mermaid(graph: Graph) -> str:
    """Return the text of a flowchart; any character of a name stands for itself."""
    return "\n".join(_lines(graph)) + "\n"


def _lines(graph: Graph) -> Iterator[str]:
    yield "flowchart LR"
    grouped = {member for group in graph.groups for member in group.members}
    for number, group in enumerate(graph.groups):
        yield f'  subgraph g{number}["{_escape(group.name)}: {counted(graph.queues_in(group), "queue")}"]'
        yield from (f"  {_declare(member, graph.nodes[member])}" for member in group.members)
        yield "  end"
    yield from (_declare(number, node) for number, node in enumerate(graph.nodes) if number not in grouped)
    for edge in graph.edges:
        text = _edge(edge)
        words = f'|"{text}"|' if text else ""
        yield f"  n{edge.source} {_LINES[edge.kind]}{words} n{edge.target}"
    yield from (f"  {each}" for each in _CLASSES)
    for number, node in enumerate(graph.nodes):
        if node.severity:
            yield f"  class n{number} {node.severity}"
        if node.highlighted:
            yield f"  class n{number} highlighted"
    if highlighted := [str(number) for number, edge in enumerate(graph.edges) if edge.highlighted]:
        yield f"  linkStyle {','.join(highlighted)} stroke:#8430ce,stroke-width:3px"


def _declare(number: int, node: Node) -> str:
    return f"  n{number}{_SHAPES[node.kind].format(_node(node))}:::{node.kind}"


def _node(node: Node) -> str:
    times = f" ×{node.count}" if node.count > 1 else ""
    lines = [f"<b>{_escape(node.name)}</b>{times}", _escape(node.detail), *_codes(node.codes)]
    return "<br/>".join(line for line in lines if line)


def _edge(edge: Edge) -> str:
    words = "" if edge.kind is EdgeKind.BINDING else str(edge.kind)
    lines = [words, *map(_escape, shorten_labels(edge.labels)), *_codes(edge.codes)]
    return "<br/>".join(line for line in lines if line)


def _codes(codes: tuple[str, ...]) -> list[str]:
    return [f"⚠ {' '.join(codes)}"] if codes else []


def _escape(text: str) -> str:
    """Return text that Mermaid shows as it is: all but letters, digits and harmless characters is escaped."""
    return "".join(each if each.isalnum() or each in " .-_:/,=×" else f"#{ord(each)};" for each in visible(text))
