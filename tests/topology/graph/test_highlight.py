"""The route of a message through a graph."""

from __future__ import annotations

import pytest

from attune_infra.errors import InvalidInput
from attune_infra.topology.builtin import attune
from attune_infra.topology.facts.releases import NEWEST
from attune_infra.topology.graph.highlight import highlight
from attune_infra.topology.model import Binding, Exchange, Message, Queue, Topology
from attune_infra.topology.worker import worker_family


def test_a_number_that_is_no_id_of_a_worker_reaches_none() -> None:
    for number in (0, 2**63, 10**30):
        message = Message(exchange="attune.executions", routing_key=f"worker.{number}")
        assert highlight(attune(), message, NEWEST).queues == frozenset()


def test_only_exchanges_that_hand_a_message_on_are_marked_for_their_alternate() -> None:
    first = Exchange(name="first", arguments={"alternate-exchange": "second"})
    topology = Topology.of(
        [
            first,
            Exchange(name="second", type="fanout"),
            Queue(name="q"),
            Binding(source="first", destination="q", routing_key="known"),
            Binding(source="second", destination="q"),
        ]
    )

    routes = {
        key: highlight(topology, Message(exchange="first", routing_key=key), NEWEST) for key in ("known", "other")
    }

    assert routes["known"].alternates == frozenset()
    assert routes["other"].alternates == {"first"}
    assert routes["other"].exchanges == {"first", "second"}


def test_a_message_that_rabbitmq_refuses_has_no_route() -> None:
    internal = Topology.of([Exchange(name="e", internal=True)])

    with pytest.raises(InvalidInput, match="RabbitMQ refuses the message to be highlighted"):
        highlight(internal, Message(exchange="e"), NEWEST)


def test_the_binding_of_a_worker_is_that_of_all_workers() -> None:
    message = Message(exchange="attune.executions", routing_key="worker.7")
    family = worker_family(attune())

    assert set(family.bindings) <= highlight(attune(), message, NEWEST).bindings
