"""The part of definitions with faults that is still read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from attune_infra.topology.document.definitions.virtual_host import read_definitions
from attune_infra.topology.model import Binding, Exchange, Policy, Queue, TopologyObject
from support.definitions import binding, exchange, policy, queue, without


def objects(**members: Any) -> set[TopologyObject]:
    """Return the objects that are read, after making sure that there is a problem."""
    reading = read_definitions(json.dumps(members), source="x.json")
    assert reading.problems
    return set(reading.topology.objects())


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        ({"x-max-length": "5", "x-expires": 9}, {"x-expires": 9}),
        ({"x-note": None, "x-expires": 9}, {"x-expires": 9}),
        ({"x-dead-letter-routing-key": "k"}, {}),
        (None, {}),
        ("x-expires", {}),
        ({"x-queue-type": "fast", "x-expires": 9}, {"x-expires": 9}),
        ({"x-queue-type": 5}, {}),
    ],
)
def test_a_queue_stays_without_its_bad_arguments(arguments: object, kept: dict[str, Any]) -> None:
    [found] = objects(queues=[queue(arguments=arguments)])

    assert found == Queue(name="q", arguments=kept)
    assert isinstance(found, Queue)
    assert found.arguments == kept


def test_a_policy_stays_without_its_bad_keys() -> None:
    assert objects(policies=[policy(definition={"max-length": "5", "expires": 9})]) == {
        Policy(name="p", pattern="^q", definition={"expires": 9})
    }
    assert objects(policies=[policy(definition={"max-length": "5"}), policy(name="r", pattern="*")]) == set()


def test_defaults_replace_what_is_missing_or_of_a_wrong_type() -> None:
    found = objects(
        exchanges=[{"name": "e", "type": "topic"}, exchange(name="f", durable="true", internal=None)],
        queues=[{"name": "q"}, queue(name="r", durable=None)],
        policies=[policy(priority="1")],
    )

    assert found == {
        Exchange(name="e", type="topic"),
        Exchange(name="f", type="topic"),
        Queue(name="q"),
        Queue(name="r"),
        Policy(name="p", pattern="^q", definition={"max-length": 5}),
    }


def test_bindings_go_with_their_ends() -> None:
    found = objects(
        exchanges=[exchange(), without("type", exchange(name="untyped"))],
        queues=[queue(), queue(name="transient", durable=False, arguments={"x-queue-type": "quorum"})],
        bindings=[
            binding(),
            binding(destination="transient"),
            binding(source="untyped"),
            binding(destination="gone"),
            binding(source="amq.headers", arguments={"x-match": "some"}),
            binding(destination_type="Queue"),
        ],
    )

    assert found == {
        Exchange(name="e", type="topic"),
        Queue(name="q"),
        Binding(source="e", destination="q", routing_key="k"),
    }


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        (without("routing_key", binding()), "undefined"),
        (binding(routing_key=None), "null"),
        (binding(routing_key=5), "5"),
    ],
)
def test_a_routing_key_that_is_no_text_is_none_that_a_message_has(entry: dict[str, Any], key: str) -> None:
    found = objects(exchanges=[exchange(type="direct")], queues=[queue()], bindings=[entry])

    assert Binding(source="e", destination="q", routing_key=key, key_is_text=False) in found


def test_half_of_a_surrogate_pair_is_read_as_rabbitmq_3_10_reads_it() -> None:
    assert objects(queues=[queue(name="a\ud83d")]) == {Queue(name="a\ufffd")}


def test_of_two_values_the_first_is_read() -> None:
    text = '{"queues": [{"name": "a", "name": "b", "durable": true, "auto_delete": false}], "queues": []}'

    reading = read_definitions(text, source="x.json")

    assert list(reading.topology.queues) == ["a"]
    assert len(reading.problems) == 2
