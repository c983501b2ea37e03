"""A graph with places as an SVG: one file for any browser, in its light and its dark mode."""

from __future__ import annotations

from collections.abc import Iterator
from math import atan2, degrees
from typing import Final
from xml.sax.saxutils import escape

from attune_infra.render.graph.layout import Box, Curve, Layout
from attune_infra.render.words import visible
from attune_infra.topology.graph.values import Edge, EdgeKind, Node, NodeKind
from attune_infra.topology.model import Severity

_MARGIN: Final = 20
_STYLE: Final = """
  text { font-family: ui-sans-serif, system-ui, "Segoe UI", Helvetica, Arial, sans-serif; text-anchor: middle }
  .back { fill: #ffffff }
  .name { font-size: 13px; font-weight: 600 }
  .detail, .key { font-size: 11px }
  .key { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #3c4043 }
  .codes { font-size: 11px; font-weight: 600 }
  .halo { fill: #ffffff; fill-opacity: .88 }
  .exchange rect { fill: #e8f0fe; stroke: #4a78d6 }
  .exchange .name { fill: #17305f } .exchange .detail { fill: #47659c }
  .queue rect { fill: #e8f5eb; stroke: #3f9457 } .queue .name { fill: #12401f } .queue .detail { fill: #4b7a58 }
  .missing rect { fill: none; stroke: #c5221f; stroke-dasharray: 5 3 } .missing text { fill: #c5221f }
  .group rect { fill: #f3eefa; stroke: #8a6fb8 }
  .group .name { fill: #3c2a5c } .group .detail { fill: #6d5a90 }
  .group .frame { fill: #8a6fb8; fill-opacity: .05; stroke: #8a6fb8; stroke-opacity: .55 }
  .group .title { font-size: 11px; font-weight: 600; fill: #6d5a90 }
  path { fill: none; stroke: #7b8087; stroke-width: 1.4 } .tip { fill: #7b8087; stroke: none }
  .dead path { stroke: #b0637a; stroke-dasharray: 5 4 } .dead .tip { fill: #b0637a } .dead .key { fill: #8c3f57 }
  .link path { stroke-width: 2.4 } .broker rect { fill: #f1f3f4; stroke: #5f6368 }
  .alternate path { stroke-dasharray: 1.5 3.5; stroke-linecap: round }
  .warning rect { stroke: #e37400; stroke-width: 2 } .warning .codes { fill: #b35900 }
  .error rect { stroke: #c5221f; stroke-width: 2 } .error .codes { fill: #c5221f }
  .taken path { stroke: #8430ce; stroke-width: 2.6 } .taken .tip { fill: #8430ce } .taken .key { fill: #6a1fb0 }
  .taken rect { stroke: #8430ce; stroke-width: 2.6 }
  g .behind { stroke-width: 1 } .halo, .taken .halo { stroke: none }
  @media (prefers-color-scheme: dark) {
    .back { fill: #0d1117 } .halo { fill: #0d1117 } .key { fill: #c9d1d9 }
    .exchange rect { fill: #14264a } .exchange .name { fill: #d6e4ff } .exchange .detail { fill: #9db7e8 }
    .queue rect { fill: #12301c } .queue .name { fill: #d3f2db } .queue .detail { fill: #8fc3a0 }
    .broker rect { fill: #202124 } .broker .name { fill: #e8eaed } .broker .detail { fill: #bdc1c6 }
    .group rect { fill: #281d3b } .group .name { fill: #e4d8f7 }
    .group .detail, .group .title { fill: #b9a3dc }
    .warning .codes { fill: #ffb15c } .error .codes { fill: #ff8a80 } .dead .key { fill: #e3a3b5 }
    .taken path, .taken rect { stroke: #c58af9 } .taken .tip { fill: #c58af9 } .taken .key { fill: #d7aefb }
  }
"""
_LINE_CLASSES: Final = ("name", "detail", "codes")
_KINDS: Final = {
    EdgeKind.BINDING: "binding",
    EdgeKind.DEAD_LETTERS: "dead",
    EdgeKind.ALTERNATE: "alternate",
    EdgeKind.SHOVEL: "link",
    EdgeKind.FEDERATION: "link",
}


def svg(layout: Layout) -> str:
    """Return the text of an SVG; any character of a name stands for itself.

    Each node has its index in `data-node`, and each edge those of its ends in `data-from` and `data-to`.
    """
    return "\n".join(_lines(layout)) + "\n"


def _lines(layout: Layout) -> Iterator[str]:
    width, height = layout.width + 2 * _MARGIN, layout.height + 2 * _MARGIN
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}"'
        f' viewBox="{-_MARGIN} {-_MARGIN} {width:.0f} {height:.0f}" role="img">'
    )
    yield f"<title>{_text(layout.graph.name or 'topology')}</title>"
    yield f"<style>{_STYLE}</style>"
    yield f'<rect class="back" x="{-_MARGIN}" y="{-_MARGIN}" width="{width:.0f}" height="{height:.0f}" rx="8"/>'
    for frame in layout.frames:
        yield from _frame(frame)
    drawn = list(zip(layout.graph.edges, layout.curves, strict=True))
    for edge, curve in sorted(drawn, key=lambda pair: pair[0].highlighted):
        yield from _edge(edge, curve)
    for number, (node, box) in enumerate(zip(layout.graph.nodes, layout.boxes, strict=True)):
        yield from _node(node, number, box)
    yield "</svg>"


def _frame(box: Box) -> Iterator[str]:
    left, top = box.centre.x - box.width / 2, box.centre.y - box.height / 2
    yield '<g class="group">'
    yield f"  {_rect('frame', left, top, box, 8)}"
    yield from (_line("title", box.centre.x, top + 15, line) for line in box.lines)
    yield "</g>"


def _node(node: Node, number: int, box: Box) -> Iterator[str]:
    left, top = box.centre.x - box.width / 2, box.centre.y - box.height / 2
    radius = box.height / 2 if node.kind is NodeKind.EXCHANGE else 5
    classes = _classes(str(node.kind), node.severity, highlighted=node.highlighted)
    yield f'<g class="{classes}" data-node="{number}">'
    yield f"  <title>{_text(f'{node.kind} {node.name}')}</title>"
    if node.count > 1 or node.per_worker or node.kind is NodeKind.GROUP:
        for behind in (6, 3):
            yield f"  {_rect('behind', left + behind, top + behind, box, radius)}"
    yield f"  {_rect('front', left, top, box, radius)}"
    for line_number, (name, line) in enumerate(zip(_LINE_CLASSES, box.lines, strict=False)):
        yield _line(name, box.centre.x, top + 20 + 16 * line_number, line)
    yield "</g>"


def _edge(edge: Edge, curve: Curve) -> Iterator[str]:
    start, *rest = curve.points
    tip, last = curve.tip, curve.points[-1]
    way = f"M{start.x:.1f},{start.y:.1f}C" + " ".join(f"{point.x:.1f},{point.y:.1f}" for point in rest)
    angle = degrees(atan2(tip.y - last.y, tip.x - last.x))
    classes = _classes(_KINDS[edge.kind], edge.severity, highlighted=edge.highlighted)
    yield f'<g class="{classes}" data-from="{edge.source}" data-to="{edge.target}">'
    yield f'  <path d="{way}"/>'
    turned = f"translate({tip.x:.1f} {tip.y:.1f}) rotate({angle:.1f})"
    yield f'  <polygon class="tip" points="0,0 -9,-3.6 -9,3.6" transform="{turned}"/>'
    if curve.label is not None:
        yield from _label(curve.label, edge.codes)
    yield "</g>"


def _label(box: Box, codes: tuple[str, ...]) -> Iterator[str]:
    left, top = box.centre.x - box.width / 2, box.centre.y - box.height / 2
    halo = f'x="{left:.1f}" y="{top:.1f}" width="{box.width}" height="{box.height - 4}" rx="3"'
    yield f'  <rect class="halo" {halo}/>'
    for number, line in enumerate(box.lines):
        name = "codes" if codes and number == len(box.lines) - 1 else "key"
        yield _line(name, box.centre.x, top + 10 + 13 * number, line)


def _line(name: str, x: float, y: float, text: str) -> str:
    return f'  <text class="{name}" x="{x:.1f}" y="{y:.1f}">{_text(text)}</text>'


def _rect(name: str, left: float, top: float, box: Box, radius: float) -> str:
    size = f'width="{box.width}" height="{box.height}" rx="{radius:.0f}"'
    return f'<rect class="{name}" x="{left:.1f}" y="{top:.1f}" {size}/>'


def _classes(kind: str, severity: Severity | None, *, highlighted: bool) -> str:
    names = [kind]
    if severity:
        names.append(str(severity))
    if highlighted:
        names.append("taken")
    return " ".join(names)


def _text(text: str) -> str:
    return escape(visible(text))
