"""Groups of nodes, and one node for each."""

from __future__ import annotations

import pytest

from attune_infra.topology.builtin import attune
from attune_infra.topology.document.parse import parse
from attune_infra.topology.graph.build import graph
from attune_infra.topology.graph.group import GroupBy, collapse, group
from attune_infra.topology.graph.values import Graph, NodeKind
from attune_infra.topology.lint.linter import lint
from attune_infra.topology.model import Message, Topology

SHOP = parse(
    """
exchanges:
  orders: {type: topic}
  mail: {type: direct}
  dlx: {type: fanout}
queues:
  orders.paid: {bindings: [{exchange: orders, routing_key: paid}], arguments: {x-dead-letter-exchange: dlx}}
  orders.sent: {bindings: [{exchange: orders, routing_key: 'sent.#'}], arguments: {x-dead-letter-exchange: dlx}}
  mail.out: {bindings: [{exchange: mail, routing_key: '#'}], arguments: {x-dead-letter-exchange: dlx}}
  audit: {bindings: [{exchange: orders, routing_key: '#'}, {exchange: mail, routing_key: audit}]}
  dead: {bindings: [{exchange: dlx}]}
  spare: {}
""",
    source="x.yaml",
)


def drawn(topology: Topology, by: GroupBy, message: Message | None = None) -> Graph:
    return group(graph(topology, findings=lint(topology).findings, message=message), by)


def members(found: Graph) -> dict[str, set[str]]:
    return {each.name: {found.nodes[member].name for member in each.members} for each in found.groups}


def edges(found: Graph) -> set[tuple[str, str, str, tuple[str, ...]]]:
    names = [node.name for node in found.nodes]
    return {(names[edge.source], names[edge.target], str(edge.kind), edge.labels) for edge in found.edges}


def test_by_exchange_a_queue_of_two_exchanges_is_in_no_group() -> None:
    assert members(drawn(SHOP, GroupBy.EXCHANGE)) == {
        "exchange dlx": {"dlx", "dead"},
        "exchange mail": {"mail", "mail.out"},
        "exchange orders": {"orders", "orders.paid", "orders.sent"},
    }


def test_by_prefix_names_that_begin_alike_are_together() -> None:
    assert members(drawn(SHOP, GroupBy.PREFIX)) == {
        "prefix mail": {"mail", "mail.out"},
        "prefix orders": {"orders", "orders.paid", "orders.sent"},
    }


def test_a_prefix_of_most_names_is_extended() -> None:
    assert set(members(drawn(attune(), GroupBy.PREFIX))) == {
        "prefix attune.dlx",
        "prefix attune.events",
        "prefix attune.executions",
        "prefix attune.notifications",
    }


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        (
            "a.b, a-b, a_b, c",
            {"prefix a": {"a.b", "a-b", "a_b"}},
        ),  # more than half, but nothing divides into groups
        ("a..x, a..y, b, c, d, e", {"prefix a": {"a..x", "a..y"}}),
        (".x, .y, b, c, d", {}),
        ("one, two", {}),
        ("q", {}),
        (
            "com.a.x, com.a.y, com.b.x, com.b.y, z",
            {"prefix com.a": {"com.a.x", "com.a.y"}, "prefix com.b": {"com.b.x", "com.b.y"}},
        ),
    ],
)
def test_any_names_can_be_grouped(names: str, groups: dict[str, set[str]]) -> None:
    topology = parse(f"queues: {{{', '.join(f'{name!r}: {{}}' for name in names.split(', '))}}}", source="x.yaml")

    assert members(drawn(topology, GroupBy.PREFIX)) == groups


def test_no_node_is_in_two_groups() -> None:
    for by in GroupBy:
        found = drawn(SHOP, by)
        everywhere = [member for each in found.groups for member in each.members]
        assert len(everywhere) == len(set(everywhere))
    assert drawn(SHOP, GroupBy.NONE).groups == ()


def test_a_group_counts_its_queues_and_those_that_one_node_stands_for() -> None:
    jobs = ", ".join(f"job.{number}: {{bindings: [{{exchange: jobs}}]}}" for number in range(40))
    found = drawn(parse(f"{{exchanges: {{jobs: {{}}}}, queues: {{{jobs}}}}}", source="x.yaml"), GroupBy.EXCHANGE)

    [each] = found.groups
    assert (len(each.members), found.queues_in(each)) == (2, 40)


def test_a_collapsed_group_is_one_node_with_its_numbers_and_findings() -> None:
    found = collapse(drawn(SHOP, GroupBy.EXCHANGE))

    assert {(node.name, node.detail) for node in found.nodes if node.kind is NodeKind.GROUP} == {
        ("exchange dlx", "1 exchange, 1 queue"),
        ("exchange mail", "1 exchange, 1 queue"),
        ("exchange orders", "1 exchange, 2 queues"),
    }
    assert {node.name for node in found.nodes if node.kind is NodeKind.QUEUE} == {"audit", "spare"}
    assert "AI010" in next(node.codes for node in found.nodes if node.name == "exchange mail")  # a binding inside
    assert found.groups == ()


def test_edges_inside_of_a_group_vanish_and_parallel_ones_become_one() -> None:
    assert edges(collapse(drawn(SHOP, GroupBy.EXCHANGE))) == {
        ("exchange orders", "audit", "binding", ("#",)),
        ("exchange mail", "audit", "binding", ("audit",)),
        ("exchange orders", "exchange dlx", "dead letters", ()),
        ("exchange mail", "exchange dlx", "dead letters", ()),
    }


def test_a_message_passes_through_a_collapsed_group() -> None:
    found = collapse(drawn(SHOP, GroupBy.EXCHANGE, Message(exchange="orders", routing_key="paid")))

    assert {node.name for node in found.nodes if node.highlighted} == {"exchange orders", "audit"}


def test_a_queue_that_sends_dead_letters_to_itself_keeps_that_edge() -> None:
    loop = "queues: {q: {arguments: {x-dead-letter-exchange: '', x-dead-letter-routing-key: q}}, p: {}}"
    topology = parse(loop, source="x.yaml")

    assert edges(collapse(drawn(topology, GroupBy.PREFIX))) == {("q", "q", "dead letters", ())}
