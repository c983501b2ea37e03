"""A graph: its drawing as text, its nodes and edges as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from attune_infra.render.text import Line
from attune_infra.topology.graph.values import Drawing

if TYPE_CHECKING:
    from attune_infra.contract.graphs import GraphData


def lines(drawing: Drawing) -> Iterator[Line]:
    return (Line(line) for line in drawing.text.splitlines())


def data(drawing: Drawing) -> GraphData:
    from attune_infra.render.graph.data import graph_data

    return cast("GraphData", graph_data(drawing.graph))


def text(drawing: Drawing) -> str:
    """Return the drawing as it is written to a file: no character is escaped."""
    return drawing.text
