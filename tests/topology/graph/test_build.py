"""A topology as nodes and edges."""

from __future__ import annotations

from attune_infra.topology.builtin import attune
from attune_infra.topology.document.parse import parse
from attune_infra.topology.graph.build import MAX_NUMBERED_QUEUES, graph
from attune_infra.topology.graph.values import EdgeKind, Graph, NodeKind, shorten_labels
from attune_infra.topology.lint.linter import lint
from attune_infra.topology.model import Exchange, Message, Queue, Severity, Topology
from attune_infra.topology.worker import with_workers


def drawn(text: str, message: Message | None = None) -> Graph:
    topology = parse(text, source="x.yaml")
    return graph(topology, findings=lint(topology).findings, message=message)


def ways(found: Graph) -> set[tuple[str, str, str, tuple[str, ...]]]:
    names = [node.name for node in found.nodes]
    return {(names[edge.source], names[edge.target], str(edge.kind), edge.labels) for edge in found.edges}


def taken(found: Graph) -> set[str]:
    return {node.name for node in found.nodes if node.highlighted}


def test_attune_is_drawn_with_its_workers_once() -> None:
    found = graph(attune())

    assert ways(found) == {
        ("attune.dlx", "attune.dlx.queue", "binding", ()),
        ("attune.events", "attune.events.queue", "binding", ("#",)),
        ("attune.executions", "attune.executions.queue", "binding", ("execution",)),
        ("attune.executions", "worker.{worker_id}.executions", "binding", ("worker.{worker_id}",)),
        ("attune.notifications", "attune.notifications.queue", "binding", ()),
        ("attune.events.queue", "attune.dlx", "dead letters", ()),
        ("attune.executions.queue", "attune.dlx", "dead letters", ()),
        ("attune.notifications.queue", "attune.dlx", "dead letters", ()),
    }


def test_many_workers_are_one_node_and_a_handful_are_drawn() -> None:
    def names(count: int) -> set[tuple[str, int]]:
        topology = with_workers(attune(), range(1, count + 1))
        alone = Topology.of(topology.objects())
        return {(node.name, node.count) for node in graph(alone).nodes if node.name.startswith("worker")}

    assert len(names(MAX_NUMBERED_QUEUES)) == MAX_NUMBERED_QUEUES
    assert names(MAX_NUMBERED_QUEUES + 1) == {("worker.{n}.executions", MAX_NUMBERED_QUEUES + 1)}
    alone = Topology.of(with_workers(attune(), range(1, 2001)).objects())
    assert ("attune.executions", "worker.{n}.executions", "binding", ("worker.{n}",)) in ways(graph(alone))


def test_what_is_named_and_missing_is_drawn_as_missing() -> None:
    found = drawn(
        """
exchanges: {e: {arguments: {alternate-exchange: gone}}}
queues:
  q: {arguments: {x-dead-letter-exchange: '', x-dead-letter-routing-key: late}, bindings: [{exchange: amq.topic}]}
"""
    )

    kinds = {node.name: node.kind for node in found.nodes}
    assert kinds == {
        "e": NodeKind.EXCHANGE,
        "q": NodeKind.QUEUE,
        "amq.topic": NodeKind.EXCHANGE,
        "gone": NodeKind.MISSING,
        "late": NodeKind.MISSING,
    }
    assert {edge.kind for edge in found.edges} == set(EdgeKind) - {EdgeKind.SHOVEL, EdgeKind.FEDERATION}


def test_what_lint_found_is_marked_where_it_is_worth_it() -> None:
    found = drawn(
        """
exchanges: {e: {type: direct}, lost: {}}
queues: {q: {bindings: [{exchange: e, routing_key: '#'}]}}
"""
    )

    assert {(node.name, node.codes, node.severity) for node in found.nodes} == {
        ("e", (), None),
        ("lost", ("AI020",), Severity.WARNING),
        ("q", (), None),
    }
    assert [(edge.codes, edge.severity) for edge in found.edges] == [(("AI010",), Severity.WARNING)]


def test_the_way_of_a_message_is_highlighted() -> None:
    text = """
exchanges: {e: {type: topic}, f: {type: fanout, bindings: [{exchange: e, routing_key: a.*}]}}
queues: {q: {bindings: [{exchange: f}]}, p: {bindings: [{exchange: e, routing_key: b}]}}
"""

    assert taken(drawn(text, Message(exchange="e", routing_key="a.b"))) == {"e", "f", "q"}
    assert taken(drawn(text, Message(exchange="e", routing_key="b"))) == {"e", "p"}
    assert taken(drawn(text, Message(exchange="e", routing_key="c"))) == {"e"}


def test_a_message_for_one_worker_goes_the_way_of_all() -> None:
    found = graph(attune(), message=Message(exchange="attune.executions", routing_key="worker.7"))

    assert taken(found) == {"attune.executions", "worker.{worker_id}.executions"}


def test_of_many_labels_some_are_shown() -> None:
    assert shorten_labels(("a", "b", "c", "d")) == ("a", "b", "c", "d")
    assert shorten_labels(("a", "b", "c", "d", "e")) == ("a", "b", "c", "and 2 more")


def test_the_way_of_a_message_is_told_even_where_no_binding_is_on_it() -> None:
    text = """
exchanges:
  e: {arguments: {alternate-exchange: other}}
  other: {type: fanout}
  lonely: {}
queues:
  q: {bindings: [{exchange: other}]}
  named: {}
"""

    found = drawn(text, Message(exchange="e", routing_key="k"))
    assert taken(found) == {"e", "other", "q"}
    assert {edge.kind for edge in found.edges if edge.highlighted} == {EdgeKind.ALTERNATE, EdgeKind.BINDING}
    assert taken(drawn(text, Message(exchange="lonely"))) == {"lonely"}
    assert taken(drawn(text, Message(exchange="", routing_key="named"))) == {"named"}


def test_a_worker_is_reached_by_the_name_of_its_queue() -> None:
    found = graph(attune(), message=Message(exchange="", routing_key="worker.7.executions"))

    assert taken(found) == {"worker.{worker_id}.executions"}


def test_a_queue_says_what_makes_it_unlike_others() -> None:
    objects = [
        Queue(name="plain"),
        Queue(name="odd", durable=False, auto_delete=True, exclusive=True),
        Queue(name="theirs", external=True),
    ]

    assert {node.name: node.detail for node in graph(Topology.of(objects)).nodes} == {
        "plain": "classic",
        "odd": "classic, not durable, auto-delete, exclusive",
        "theirs": "external",
    }


def test_an_exchange_says_what_makes_it_unlike_others() -> None:
    objects = [
        Exchange(name="plain", type="topic"),
        Exchange(name="odd", type="fanout", durable=False, auto_delete=True, internal=True),
    ]

    details = {node.name: node.detail for node in graph(Topology.of(objects)).nodes}

    assert details["plain"] == "topic"
    assert details["odd"].split(", ") == ["fanout", "not durable", "auto-delete", "internal"]
