"""Where the nodes and edges of a graph stand: found by Graphviz, which comes with the package pygraphviz.

Graphviz gets sizes and no text, so that a picture does not depend on the fonts of the machine it is made on.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from attune_infra.errors import InvalidInput
from attune_infra.render.words import visible
from attune_infra.topology.graph import Edge, EdgeKind, Graph, Node, few

_WIDTH, _SMALL_WIDTH = 8.2, 6.5
"""Points that a character of a name, and of anything else, takes at most on average."""
_LINE: Final = 16
_PADDING: Final = 14
_LONGEST: Final = 48
"""Characters of a name that a picture shows."""

MOST: Final = 1000
"""Nodes of a picture that somebody could still read, and Graphviz place within seconds."""

_EMPTY: Final = (
    '<<table border="0" cellspacing="0" fixedsize="true" width="{width}" height="{height}">'
    "<tr><td></td></tr></table>>"
)
"""A label that takes room and shows nothing."""


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
    """A graph with places: boxes for its nodes and curves for its edges, in their order."""

    graph: Graph
    width: float
    height: float
    boxes: tuple[Box, ...]
    curves: tuple[Curve, ...]


def laid_out(graph: Graph) -> Layout:
    """Return places for a graph; raise `InvalidInput` if it is too large, or Graphviz is not there."""
    if len(graph.nodes) > MOST:
        raise InvalidInput(
            f"a picture of {len(graph.nodes)} exchanges and queues cannot be read; at most {MOST} are drawn",
            hint="--format text tells them all; a document with a part of them can be drawn",
        )
    try:
        from pygraphviz import AGraph
    except ModuleNotFoundError as error:
        raise InvalidInput(
            "a picture needs Graphviz, which is not installed",
            hint="install it with: pip install pygraphviz; mermaid, dot and text need nothing",
        ) from error
    except ImportError as error:
        raise InvalidInput(
            f"a picture needs Graphviz, which cannot be loaded: {error}",
            hint="install the library that is missing; Debian has all it may need in libglib2.0-0, libx11-6,"
            " libxext6 and libxrender1; mermaid, dot and text need nothing",
        ) from error
    drawn = AGraph(string="\n".join(_sizes(graph))).draw(format="json0", prog="dot")
    return _read(json.loads(drawn.decode()), graph)


def _sizes(graph: Graph) -> Iterator[str]:
    yield 'digraph { rankdir=LR; nodesep=0.28; ranksep=0.55; node [shape=box, fixedsize=true, label=""];'
    for number, node in enumerate(graph.nodes):
        width, height = _size(lines_of_node(node))
        yield f"n{number} [width={width / 72:.3f}, height={height / 72:.3f}];"
    for number, edge in enumerate(graph.edges):
        width, height = _label_size(lines_of_edge(edge))
        label = f"label={_EMPTY.format(width=width, height=height)}, " if height else ""
        yield f'n{edge.source} -> n{edge.target} [{label}comment="{number}"];'
    yield "}"


def lines_of_node(node: Node) -> tuple[str, ...]:
    """Return what stands in the box of a node: its name, what it is, and what is wrong with it."""
    times = f" ×{node.count}" if node.count > 1 else ""
    return (_short(node.name) + times, node.detail, *([" ".join(node.codes)] if node.codes else []))


def lines_of_edge(edge: Edge) -> tuple[str, ...]:
    """Return what stands beside an edge; of bindings their keys, and nothing where they have none."""
    kind = [] if edge.kind is EdgeKind.BINDING else [str(edge.kind)]
    return (*kind, *map(_short, few(edge.labels)), *([" ".join(edge.codes)] if edge.codes else []))


def _short(text: str) -> str:
    shown = visible(text)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


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

    boxes = []
    for node, item in zip(graph.nodes, drawn.get("objects", ()), strict=True):
        lines = lines_of_node(node)
        boxes.append(Box(point(item["pos"]), *_size(lines), lines))
    curves: dict[int, Curve] = {}
    for item in drawn.get("edges", ()):
        number = int(item["comment"])
        lines = lines_of_edge(graph.edges[number])
        label = Box(point(item["lp"]), *_label_size(lines), lines) if "lp" in item else None
        tip, *points = re.sub(r"^s,\S+ ", "", item["pos"]).split(" ")
        curves[number] = Curve(tuple(map(point, points)), point(tip), label)
    return Layout(graph, width, height, tuple(boxes), tuple(curves[number] for number in sorted(curves)))
