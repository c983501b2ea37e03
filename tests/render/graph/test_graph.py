"""Graphs as Mermaid, DOT, SVG and text: whatever a name holds stands there as text."""

from __future__ import annotations

import re
import time
from dataclasses import replace
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
from attune_infra.topology.graph.values import Edge, EdgeKind, Graph, Group, Node, NodeKind, Way
from attune_infra.topology.lint.finding import Finding
from attune_infra.topology.model import Queue, Severity
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


def finding(rule: str, severity: Severity) -> tuple[Finding, ...]:
    return (Finding(rule, severity, Queue(name="x"), "queue x", "it is so", "change it"),)


def one(name: str) -> Graph:
    """A graph in which a name stands wherever one can."""
    nodes = (
        Node(kind=NodeKind.EXCHANGE, name=name, detail="topic"),
        Node(kind=NodeKind.QUEUE, name=name, detail="classic", count=7, findings=finding("AI002", Severity.ERROR)),
        Node(kind=NodeKind.MISSING, name=name, detail="is not there"),
    )
    edges = (
        Edge(source=0, target=1, kind=EdgeKind.BINDING, labels=(name,), ways=(Way(key=name, highlighted=True),)),
        Edge(source=1, target=2, kind=EdgeKind.DEAD_LETTERS),
        Edge(
            source=0, target=2, kind=EdgeKind.ALTERNATE, ways=(Way(findings=finding("AI021", Severity.WARNING)),)
        ),
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
        assert f'<g class="{classes}" data-' in text
    assert "linkStyle 0 stroke" in mermaid(one("x"))
    assert "style=dashed" in dot(one("x"))


def test_an_empty_graph_is_an_empty_picture() -> None:
    nothing = Graph(name="", nodes=(), edges=())

    assert ET.fromstring(svg(lay_out(nothing))) is not None  # noqa: S314 # it is our own
    assert mermaid(nothing).startswith("flowchart LR\n")


def test_a_picture_that_nobody_could_read_is_refused() -> None:
    many = tuple(Node(kind=NodeKind.QUEUE, name=f"q{number}") for number in range(MAX_NODES + 1))

    with pytest.raises(InvalidInput, match="cannot be read"):
        lay_out(Graph(name="", nodes=many, edges=()))


def grouped(name: str) -> Graph:
    """The same graph with its exchange and its queues in a group."""
    return replace(one(name), groups=(Group(name=name, members=(0, 1)),))


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_group_has_its_title_and_its_number_of_queues(name: str) -> None:
    """Each format shows it around the members, and any character of the name stands for itself."""
    title = f"{visible(name)}: 7 queues"

    drawn = ET.fromstring(AGraph(string=dot(grouped(name))).draw(format="svg", prog="dot"))  # noqa: S314 # our own
    [cluster] = [each for each in drawn.iter() if each.get("class") == "cluster"]
    assert [plain(each.text or "") for each in cluster.iter() if each.tag.endswith("text")] == [plain(title)]

    root = ET.fromstring(svg(lay_out(grouped(name))))  # noqa: S314 # it is our own
    [frame] = [each for each in root if each.get("class") == "group"]
    assert [each.text for each in frame if each.tag.endswith("text")] == [title]

    subgraph = re.search(r'^  subgraph g0\["([^"<>&]*)"\]$', mermaid(grouped(name)), re.MULTILINE)
    assert subgraph
    assert re.sub(r"#(\d+);", lambda found: chr(int(found[1])), subgraph[1]) == title


def test_the_members_of_a_group_are_inside_of_its_frame() -> None:
    placed = lay_out(grouped("x"))

    [frame] = placed.frames
    for box in placed.boxes[:2]:
        assert abs(box.centre.x - frame.centre.x) + box.width / 2 <= frame.width / 2
        assert abs(box.centre.y - frame.centre.y) + box.height / 2 <= frame.height / 2
    assert abs(placed.boxes[2].centre.x - frame.centre.x) > frame.width / 2


def test_an_outline_begins_with_the_groups() -> None:
    assert outline(grouped("x")).splitlines() == [
        "  group x: 7 queues",
        *outline(one("x")).splitlines()[:5],
        "  no group",
        "  missing x (is not there)",
    ]


def test_many_objects_are_placed_within_seconds() -> None:
    nodes = [Node(kind=NodeKind.EXCHANGE, name=f"e{number}") for number in range(10)]
    nodes += [Node(kind=NodeKind.QUEUE, name=f"queue.{number}") for number in range(400)]
    edges = tuple(
        Edge(source=number % 10, target=number, kind=EdgeKind.BINDING, labels=(f"key.{number}",))
        for number in range(10, 410)
    )

    began = time.process_time()
    placed = lay_out(Graph(name="", nodes=tuple(nodes), edges=edges))

    assert time.process_time() - began < 10
    assert len({box.centre for box in placed.boxes}) == 410
