"""The neighbourhood of one node."""

from __future__ import annotations

import pytest

from attune_infra.errors import InvalidInput
from attune_infra.topology.builtin import attune
from attune_infra.topology.document.parse import parse
from attune_infra.topology.graph.build import MAX_NUMBERED_QUEUES, graph
from attune_infra.topology.graph.focus import focus
from attune_infra.topology.graph.values import Graph
from attune_infra.topology.worker import with_workers

CHAIN = parse(
    """
exchanges:
  a: {arguments: {alternate-exchange: unrouted}}
  b: {bindings: [{exchange: a}]}
  dlx: {type: fanout}
  unrouted: {type: fanout}
queues:
  q: {bindings: [{exchange: b}], arguments: {x-dead-letter-exchange: dlx}}
  dead: {bindings: [{exchange: dlx}]}
  lost: {bindings: [{exchange: unrouted}]}
  alone: {}
""",
    source="x.yaml",
)


def names(found: Graph) -> set[str]:
    return {node.name for node in found.nodes}


@pytest.mark.parametrize(
    ("depth", "near"),
    [
        (0, {"q"}),
        (1, {"q", "b", "dlx"}),
        (2, {"q", "b", "dlx", "a", "dead"}),
        (3, {"q", "b", "dlx", "a", "dead", "unrouted"}),
        (10**9, {"q", "b", "dlx", "a", "dead", "unrouted", "lost"}),
    ],
)
def test_steps_count_in_both_directions_and_along_dead_letters_and_alternates(depth: int, near: set[str]) -> None:
    found = focus(graph(CHAIN), "q", depth, CHAIN)

    assert names(found) == near
    assert found.left_out == 8 - len(near)


def test_the_edges_between_the_nodes_that_are_left_remain() -> None:
    found = focus(graph(CHAIN), "q", 1, CHAIN)

    ends = {(found.nodes[edge.source].name, found.nodes[edge.target].name) for edge in found.edges}
    assert ends == {("b", "q"), ("q", "dlx")}


def test_an_exchange_may_be_in_focus_unless_a_queue_has_its_name() -> None:
    assert names(focus(graph(CHAIN), "dlx", 1, CHAIN)) == {"dlx", "q", "dead"}

    both = parse("{exchanges: {same: {}}, queues: {same: {}, q: {bindings: [{exchange: same}]}}}", source="x.yaml")
    [node] = focus(graph(both), "same", 1, both).nodes
    assert node.of == "queue"


def test_what_is_missing_may_be_in_focus() -> None:
    topology = parse("queues: {q: {arguments: {x-dead-letter-exchange: gone}}}", source="x.yaml")

    assert names(focus(graph(topology), "gone", 1, topology)) == {"gone", "q"}


def test_a_worker_is_found_by_the_name_of_its_queue() -> None:
    assert names(focus(graph(attune()), "worker.7.executions", 0, attune())) == {"worker.{worker_id}.executions"}


def test_one_of_many_queues_is_found_in_the_node_that_stands_for_them() -> None:
    many = parse(
        f"queues: {{{', '.join(f'job.{number}: {{}}' for number in range(MAX_NUMBERED_QUEUES + 1))}}}", source="x"
    )

    assert names(focus(graph(many), "job.3", 0, many)) == {"job.{n}"}
    with pytest.raises(InvalidInput):
        focus(graph(many), "job.99", 0, many)


def test_an_unknown_name_is_refused_with_a_guess() -> None:
    whole = with_workers(attune(), [1])

    with pytest.raises(
        InvalidInput, match=r"no queue and no exchange 'attune\.event'; did you mean 'attune\.events'"
    ):
        focus(graph(whole), "attune.event", 2, whole)
