"""Queues that are down, and whether the broker may have left their bindings out."""

from __future__ import annotations

from attune_infra.topology.facts.unavailable import condition, unlisted, with_unlisted, without_bindings
from attune_infra.topology.model import Binding, Exchange, Queue, Topology

DOWN = Queue(name="down", state="down", node="rabbit@a")
BOUND = Binding(source="e", destination="down")
TO_EXCHANGE = Binding(source="e", destination="down", destination_type="exchange")


def test_the_condition_has_the_node_if_it_is_known() -> None:
    assert condition(DOWN) == "down, on node rabbit@a"
    assert condition(Queue(name="q", state="minority")) == "minority"


def test_only_a_binding_to_the_queue_itself_shows_that_they_are_listed() -> None:
    assert unlisted(Topology.of([DOWN, Queue(name="up", state="running")])) == ("down",)
    assert unlisted(Topology.of([DOWN, BOUND])) == ()
    assert unlisted(Topology.of([DOWN, TO_EXCHANGE])) == ("down",)
    assert unlisted(Topology.of([Queue(name="q", state="minority")])) == ()


def test_exchanges_lead_to_more_than_is_known_if_bindings_may_lack() -> None:
    known = Topology.of([DOWN, BOUND, Exchange(name="e")])
    lacking = Topology.of([DOWN, Exchange(name="e")])

    assert with_unlisted(known) is known
    found = with_unlisted(lacking).exchanges
    assert found["e"].external
    assert found["amq.topic"].external


def test_the_sentence_counts() -> None:
    assert without_bindings(["a"]) == "queue a is down, and RabbitMQ lists none of its bindings"
    assert without_bindings(["a", "b"]) == "queues a, b are down, and RabbitMQ lists none of their bindings"
