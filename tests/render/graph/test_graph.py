"""Graphs as Mermaid, DOT, SVG and text: whatever a name holds stands there as text."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from pygraphviz import AGraph

from attune_infra.errors import InvalidInput
from attune_infra.render.graph.dot import dot
from attune_infra.render.graph.layout import MAX_NODES, lay_out
from attune_infra.render.graph.mermaid import mermaid
from attune_infra.render.graph.outline import outline
from attune_infra.render.graph.svg import svg
from attune_infra.render.words import visible
from attune_infra.topology.graph import Edge, EdgeKind, Graph, Node, NodeKind
from attune_infra.topology.model import Severity
from support.strategies import NASTY_NAMES

ODD_NAMES = (
    *(name for name in NASTY_NAMES if len(name) < 40),
    '"]; n9 --> n1',
    "<b>bold</b>",
    "&amp;",
    "a|b",
    "</text><script/>",
    "end",
    "%%",
    "\\N",
    "{a|b}",
)


def one(name: str) -> Graph:
    """A graph in which a name stands wherever one can."""
    nodes = (
        Node(kind=NodeKind.EXCHANGE, name=name, detail="topic"),
        Node(kind=NodeKind.QUEUE, name=name, detail="classic", codes=("AI002",), severity=Severity.ERROR, count=7),
        Node(kind=NodeKind.MISSING, name=name, detail="is not there"),
    )
    edges = (
        Edge(source=0, target=1, kind=EdgeKind.BINDING, labels=(name,), highlighted=True),
        Edge(source=1, target=2, kind=EdgeKind.DEAD_LETTERS),
        Edge(source=0, target=2, kind=EdgeKind.ALTERNATE, codes=("AI021",), severity=Severity.WARNING),
    )
    return Graph(name=name, nodes=nodes, edges=edges)


def plain(text: str) -> str:
    """Return text with the spaces that Graphviz makes hard."""
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("name", ODD_NAMES)
def test_mermaid_takes_a_name_for_text(name: str) -> None:
    lines = mermaid(one(name)).splitlines()

    text = re.fullmatch(r'  n0\(\["<b>([^"<>&]*)</b><br/>topic"\]\):::exchange', lines[1])
    assert text
    assert re.sub(r"#(\d+);", lambda found: chr(int(found[1])), text[1]) == visible(name)
    assert len(lines) == len(mermaid(one("a")).splitlines())


@pytest.mark.parametrize("name", ODD_NAMES)
def test_graphviz_takes_a_name_for_text(name: str) -> None:
    drawn = ET.fromstring(AGraph(string=dot(one(name))).draw(format="svg", prog="dot"))  # noqa: S314 # our own

    texts = [plain(each.text or "") for each in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count(plain(visible(name))) == 3  # the binding's key, the exchange, what is missing
    assert len([each for each in drawn.iter() if each.get("class") == "node"]) == 3


@pytest.mark.parametrize("name", ODD_NAMES)
def test_an_svg_takes_a_name_for_text(name: str) -> None:
    root = ET.fromstring(svg(lay_out(one(name))))  # noqa: S314 # it is our own

    texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count(visible(name)) == 3  # the binding's key, the exchange, what is missing
    assert f"{visible(name)} ×7" in texts
    assert len(root.findall("{http://www.w3.org/2000/svg}g")) == 6


def test_an_outline_says_it_in_lines() -> None:
    assert outline(one("x")) == (
        "  exchange x (topic)\n"
        "*     -> x  with x\n"
        "!     alternate ...> x  [AI021]\n"
        "! queue x ×7 (classic)  [AI002]\n"
        "      dead letters - -> x\n"
        "  missing x (is not there)\n"
    )


def test_what_is_marked_is_drawn_so() -> None:
    text = svg(lay_out(one("x")))

    for classes in ("binding taken", "dead", "alternate warning", "queue error", "missing", "exchange"):
        assert f'<g class="{classes}">' in text
    assert "linkStyle 0 stroke" in mermaid(one("x"))
    assert "style=dashed" in dot(one("x"))


def test_an_empty_graph_is_an_empty_picture() -> None:
    nothing = Graph(name="", nodes=(), edges=())

    assert ET.fromstring(svg(lay_out(nothing))) is not None  # noqa: S314 # it is our own
    assert mermaid(nothing).startswith("flowchart LR\n")


def test_without_graphviz_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pygraphviz", None)

    with pytest.raises(InvalidInput, match="needs Graphviz") as error:
        lay_out(one("x"))
    assert "pip install pygraphviz" in str(error.value.hint)


def test_a_library_that_graphviz_lacks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel of pygraphviz takes some libraries from the system, which small systems do not have."""
    (tmp_path / "pygraphviz.py").write_text("raise ImportError('libX11.so.6: cannot open shared object file')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pygraphviz")

    with pytest.raises(InvalidInput, match=r"cannot be loaded: libX11\.so\.6: cannot open") as error:
        lay_out(one("x"))
    assert "libx11-6" in str(error.value.hint)


def test_a_picture_that_nobody_could_read_is_refused() -> None:
    many = tuple(Node(kind=NodeKind.QUEUE, name=f"q{number}") for number in range(MAX_NODES + 1))

    with pytest.raises(InvalidInput, match="cannot be read"):
        lay_out(Graph(name="", nodes=many, edges=()))
