"""The places of nodes and edges in a picture, from Graphviz, which comes with the package pygraphviz.

Graphviz gets sizes and no text, so that a picture does not depend on the fonts of the machine.
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
from attune_infra.topology.graph import Edge, EdgeKind, Graph, Node, shorten_labels

_WIDTH, _SMALL_WIDTH = 8.2, 6.5
"""Average width of a character in points, for names and for all other text; real fonts are narrower."""
_LINE: Final = 16
_PADDING: Final = 14
_MAX_CHARACTERS_SHOWN: Final = 48
"""Characters of a name that a picture shows."""

MAX_NODES: Final = 1000
"""Nodes of a picture that people can still read and Graphviz can place within seconds."""

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
    """A graph with places: boxes for its nodes and curves for its edges, in the same order."""

    graph: Graph
    width: float
    height: float
    boxes: tuple[Box, ...]
    curves: tuple[Curve, ...]


def lay_out(graph: Graph) -> Layout:
    """Find the places for a graph; raise `InvalidInput` if it is too large or Graphviz is missing."""
    if len(graph.nodes) > MAX_NODES:
        raise InvalidInput(
            f"a picture of {len(graph.nodes)} exchanges and queues cannot be read; the maximum is {MAX_NODES}",
            hint="list all of them with --format text, or draw a document with some of them",
        )
    try:
        from pygraphviz import AGraph
    except ModuleNotFoundError as error:
        raise InvalidInput(
            "a picture needs Graphviz, which is not installed",
            hint="install it with: pip install pygraphviz; mermaid, dot and text do not need it",
        ) from error
    except ImportError as error:
        raise InvalidInput(
            f"a picture needs Graphviz, which cannot be loaded: {error}",
            hint="install the missing library; on Debian it is in libglib2.0-0, libx11-6, libxext6 or libxrender1;"
            " mermaid, dot and text do not need it",
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
        label = f"label={_EMPTY_LABEL.format(width=width, height=height)}, " if height else ""
        yield f'n{edge.source} -> n{edge.target} [{label}comment="{number}"];'
    yield "}"


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
