"""The places of nodes, edges and groups in a picture, from Graphviz.

Graphviz gets sizes and no text, so that a picture does not depend on the fonts of the machine.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from attune_infra.dataclass import dataclass
from attune_infra.errors import InvalidInput
from attune_infra.render.graph.graphviz import place
from attune_infra.render.words import visible
from attune_infra.topology.graph.values import Edge, EdgeKind, Graph, Group, Node, shorten_labels
from attune_infra.topology.words import counted

_WIDTH, _SMALL_WIDTH = 8.2, 6.5
"""Average width of a character in points, for names and for all other text; real fonts are narrower."""
_LINE: Final = 16
_PADDING: Final = 14
_MAX_CHARACTERS_SHOWN: Final = 48
"""Characters of a name that a picture shows."""

MAX_NODES: Final = 1000
"""Nodes of a picture that people can still read and Graphviz can place within seconds."""

_MANY_NODES: Final = 150
_QUICKLY: Final = "mclimit=0.2; nslimit=1; nslimit1=1;"
"""Limits of Graphviz' search for the best places, for graphs of many nodes: 3 instead of 20 seconds for 900."""

_EMPTY_LABEL: Final = (
    '<<table border="0" cellspacing="0" fixedsize="true" width="{width}" height="{height}">'
    "<tr><td></td></tr></table>>"
)
"""A label that takes up space and shows nothing."""


class Point(NamedTuple):
    """A place in points, from the upper left."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle around its centre, and the lines of text in it."""

    centre: Point
    width: float
    height: float
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of a cubic spline, the tip of its arrow, and the box of its label if it has one."""

    points: tuple[Point, ...]
    tip: Point
    label: Box | None


@dataclass(frozen=True, slots=True)
class Layout:
    """A graph with places: boxes for nodes, curves for edges and frames for groups, each in the graph's order."""

    graph: Graph
    width: float
    height: float
    boxes: tuple[Box, ...]
    curves: tuple[Curve, ...]
    frames: tuple[Box, ...]


def lay_out(graph: Graph) -> Layout:
    """Find the places for a graph; raise `InvalidInput` if it is too large or Graphviz is missing."""
    if len(graph.nodes) > MAX_NODES:
        raise InvalidInput(
            f"a picture of {len(graph.nodes)} exchanges and queues cannot be read; the maximum is {MAX_NODES}",
            hint="draw the objects near one queue (--focus QUEUE), or groups as one box each (--group prefix"
            " --collapse), or list all with --format text",
        )
    return _read(place("\n".join(_sizes(graph))), graph)


def _sizes(graph: Graph) -> Iterator[str]:
    yield 'digraph { rankdir=LR; nodesep=0.28; ranksep=0.55; node [shape=box, fixedsize=true, label=""];'
    if len(graph.nodes) > _MANY_NODES:
        yield _QUICKLY
    for number, node in enumerate(graph.nodes):
        width, height = _size(lines_of_node(node))
        yield f"n{number} [width={width / 72:.3f}, height={height / 72:.3f}];"
    for number, edge in enumerate(graph.edges):
        width, height = _label_size(lines_of_edge(edge))
        label = f"label={_EMPTY_LABEL.format(width=width, height=height)}, " if height else ""
        yield f'n{edge.source} -> n{edge.target} [{label}comment="{number}"];'
    for number, group in enumerate(graph.groups):
        width, height = _label_size((title_of(group, graph),))
        label = _EMPTY_LABEL.format(width=width, height=height)
        members = " ".join(f"n{member};" for member in group.members)
        yield f"subgraph cluster{number} {{ label={label}; margin={_PADDING}; {members} }}"
    yield "}"


def title_of(group: Group, graph: Graph) -> str:
    """Return the title of a group: its name and its number of queues."""
    return f"{_shorten(group.name)}: {counted(graph.queues_in(group), 'queue')}"


def lines_of_node(node: Node) -> tuple[str, ...]:
    """Return the lines in the box of a node: its name, its details, and the codes of its findings."""
    times = f" ×{node.count}" if node.count > 1 else ""
    return (_shorten(node.name) + times, node.detail, *_codes(node.codes))


def lines_of_edge(edge: Edge) -> tuple[str, ...]:
    """Return the lines beside an edge: its kind unless it is a binding, its keys, the codes of its findings."""
    keys = map(_shorten, shorten_labels(edge.labels))
    if edge.kind is EdgeKind.BINDING:
        return (*keys, *_codes(edge.codes))
    return (str(edge.kind), *keys, *_codes(edge.codes))


def _codes(codes: tuple[str, ...]) -> list[str]:
    return [" ".join(codes)] if codes else []


def _shorten(text: str) -> str:
    shown = visible(text)
    return shown if len(shown) <= _MAX_CHARACTERS_SHOWN else f"{shown[: _MAX_CHARACTERS_SHOWN - 1]}…"


def _size(lines: tuple[str, ...]) -> tuple[int, int]:
    widths = [_columns(lines[0]) * _WIDTH, *(_columns(line) * _SMALL_WIDTH for line in lines[1:])]
    return round(max(widths) + 2 * _PADDING), len(lines) * _LINE + _PADDING


def _label_size(lines: tuple[str, ...]) -> tuple[int, int]:
    if not lines:
        return 0, 0
    return round(max(map(_columns, lines)) * _SMALL_WIDTH + 8), len(lines) * 13 + 4


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)


def _read(drawn: dict[str, Any], graph: Graph) -> Layout:
    _, _, width, height = map(float, drawn["bb"].split(","))

    def point(text: str) -> Point:
        x, y = text.split(",")[-2:]
        return Point(float(x), height - float(y))

    placed = {item["name"]: item for item in drawn.get("objects", ())}
    boxes = []
    for number, node in enumerate(graph.nodes):
        lines = lines_of_node(node)
        boxes.append(Box(point(placed[f"n{number}"]["pos"]), *_size(lines), lines))
    frames = []
    for number, group in enumerate(graph.groups):
        left, low, right, high = map(float, placed[f"cluster{number}"]["bb"].split(","))
        centre = Point((left + right) / 2, height - (low + high) / 2)
        frames.append(Box(centre, right - left, high - low, (title_of(group, graph),)))
    curves: dict[int, Curve] = {}
    for item in drawn.get("edges", ()):
        number = int(item["comment"])
        lines = lines_of_edge(graph.edges[number])
        label = Box(point(item["lp"]), *_label_size(lines), lines) if "lp" in item else None
        tip, *points = re.sub(r"^s,\S+ ", "", item["pos"]).split(" ")
        curves[number] = Curve(tuple(map(point, points)), point(tip), label)
    in_order = tuple(curves[number] for number in sorted(curves))
    return Layout(graph, width, height, tuple(boxes), in_order, tuple(frames))
