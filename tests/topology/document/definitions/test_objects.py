from typing import Any

import pytest

from attune_infra.topology.model import Binding, Exchange, Policy, Queue, Topology
from support.definitions import binding, exchange, policy, problem, queue, read, without


def test_every_kind_of_object_becomes_one_of_ours() -> None:
    topology, left_out = read(
        exchanges=[exchange(arguments={"alternate-exchange": "lost"}), exchange(name="lost", internal=True)],
        queues=[queue(arguments={"x-queue-type": "quorum", "x-delivery-limit": 3})],
        bindings=[
            binding(arguments={"x": 1.5, "y": [True]}),
            binding(destination="lost", destination_type="exchange"),
            binding(source="amq.topic", destination="amq.fanout", destination_type="exchange"),
        ],
        policies=[policy(priority=2) | {"apply-to": "queues"}],
    )

    assert left_out == ()
    assert topology == Topology.of([
        Exchange(name="e", type="topic", arguments={"alternate-exchange": "lost"}),
        Exchange(name="lost", type="topic", internal=True),
        Queue(name="q", type="quorum", arguments={"x-delivery-limit": 3}),
        Binding(source="e", destination="q", routing_key="k", arguments={"x": 1.5, "y": [True]}),
        Binding(source="e", destination="lost", destination_type="exchange", routing_key="k"),
        Binding(source="amq.topic", destination="amq.fanout", destination_type="exchange", routing_key="k"),
        Policy(name="p", pattern="^q", definition={"max-length": 5}, apply_to="queues", priority=2),
    ])  # fmt: skip


def test_what_rabbitmq_has_a_default_for_may_be_missing() -> None:
    topology, _ = read(
        exchanges=[{"name": "e", "type": "topic", "durable": True, "auto_delete": False}],
        queues=[{"name": "q", "durable": False, "auto_delete": True}, queue(name="r", arguments=[])],
        bindings=[without("arguments", binding())],
        policies=[policy()],
    )

    assert topology == Topology.of([
        Exchange(name="e", type="topic"),
        Queue(name="q", durable=False, auto_delete=True),
        Queue(name="r"),
        Binding(source="e", destination="q", routing_key="k"),
        Policy(name="p", pattern="^q", definition={"max-length": 5}),
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("members", "what"),
    [
        ({"exchanges": None}, "'exchanges' expects a list, got null"),
        ({"queues": {"q": {}}}, "'queues' expects a list, got an object"),
        ({"queues": ["q"]}, "a queue: expected an object, got the string 'q'"),
        ({"foo": 1}, "the file holds no definitions"),
        ({}, "the file holds no definitions"),
        ({"exchanges": [without("name", exchange())]}, "an exchange has no name"),
        ({"exchanges": [without("type", exchange())]}, "exchange 'e' has no type"),
        (
            {"exchanges": [exchange(type="")]},
            "exchange 'e': the type is empty; RabbitMQ has direct, topic, fanout and headers",
        ),
        (
            {"exchanges": [without("durable", exchange())]},
            "exchange 'e' has no durable; RabbitMQ 4.3 assumes true, older releases refuse that",
        ),
        ({"exchanges": [exchange(), exchange(type="fanout")]}, "exchange 'e' is declared twice"),
        (
            {"queues": [without("durable", queue())]},
            "queue 'q' has no durable; RabbitMQ 3.10 refuses that, 4.x assumes true",
        ),
        (
            {"queues": [without("auto_delete", queue())]},
            "queue 'q' has no auto_delete; RabbitMQ 3.10 refuses that, 4.x assumes false",
        ),
        ({"queues": [queue(durable="yes")]}, "queue 'q': durable expects true or false, got the string 'yes'"),
        ({"queues": [queue(durable=1)]}, "queue 'q': durable expects true or false, got the integer 1"),
        ({"queues": [queue(name=5)]}, "a queue: name expects a string, got the integer 5"),
        ({"queues": [queue(name="")]}, "queue '': the name is empty"),
        ({"queues": [queue(name="..")]}, "queue '..': the name is '..', which no HTTP client can address"),
        ({"queues": [queue(name="é" * 128)]}, f"queue '{'é' * 128}': the name is 256 bytes long; at most 255 fit"),
        (
            {"queues": [queue(name="\ud800")]},
            "a queue holds half of a surrogate pair, which is no character; RabbitMQ 4.x refuses that",
        ),
        ({"queues": [queue(arguments=None)]}, "queue 'q': 'arguments' expects an object, got null"),
        ({"queues": [queue(arguments="x")]}, "queue 'q': 'arguments' expects an object, got the string 'x'"),
        (
            {"queues": [queue(arguments={"x": {"y": None}})]},
            "queue 'q': 'x' holds null, which RabbitMQ cannot store",
        ),
        (
            {"queues": [queue(arguments={"x": 2**64})]},
            "queue 'q': 'x' holds an integer of more than 64 bits, which AMQP cannot carry",
        ),
        (
            {"queues": [queue(arguments={"x-queue-type": 5})]},
            "queue 'q': x-queue-type expects a string, got the integer 5",
        ),
        (
            {"queues": [queue(arguments={"x-queue-type": "fast"})]},
            "queue 'q': type expects classic, quorum or stream, got the string 'fast'",
        ),
        (
            {"queues": [queue(arguments={"x-max-length": 1e3})]},
            "queue 'q': x-max-length expects an integer of at least 0, got the number 1000.0",
        ),
        (
            {"queues": [queue(arguments={"x-queue-type": "quorum"}, durable=False)]},
            "queue 'q': a quorum queue must be durable",
        ),
        ({"policies": [without("name", policy())]}, "a policy has no name"),
        ({"policies": [without("pattern", policy())]}, "policy 'p' has no pattern"),
        (
            {"policies": [policy(pattern="(b")]},
            "policy 'p': the pattern is not a regular expression: missing closing parenthesis at position 2",
        ),
        (
            {"policies": [without("definition", policy())]},
            "policy 'p': the definition is empty; RabbitMQ refuses that",
        ),
        ({"policies": [policy(priority="1")]}, "policy 'p': priority expects an integer, got the string '1'"),
        (
            {"policies": [{**policy(), "apply-to": "Queues"}]},
            (
                "policy 'p': a policy cannot apply to 'Queues'; expected queues, exchanges, all,"
                " classic_queues, quorum_queues, streams"
            ),
        ),
        ({"policies": [policy(), policy(pattern="^z")]}, "policy 'p' is declared twice"),
    ],
)
def test_what_cannot_be_meant_is_refused(members: dict[str, object], what: str) -> None:
    assert problem(**members) == what


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        (
            {"source": "f"},
            " needs exchange 'f', which is not in this file (RabbitMQ 4.x refuses that)",
        ),
        (
            {"destination": "Q"},
            " needs queue 'Q', which is not in this file (RabbitMQ 4.x refuses that)",
        ),
        (
            {"destination": "qq"},
            " needs queue 'qq', which is not in this file (RabbitMQ 4.x refuses that); did you mean 'q'?",
        ),
        (
            {"destination": "q", "destination_type": "exchange"},
            " needs exchange 'q', which is not in this file (RabbitMQ 4.x refuses that)",
        ),
        (
            {"destination": "amq.foo", "destination_type": "exchange"},
            (
                " needs exchange 'amq.foo', which is not in this file (RabbitMQ 4.x refuses that);"
                " did you mean 'amq.fanout'?"
            ),
        ),
        ({"destination_type": "Queue"}, ": destination_type expects queue or exchange, got the string 'Queue'"),
        ({"routing_key": None}, ": routing_key expects a string, got null"),
        ({"routing_key": "k" * 256}, ": the routing key is 256 bytes long; at most 255 fit"),
        ({"arguments": 1}, ": 'arguments' expects an object, got the integer 1"),
        (
            {"source": "amq.headers", "arguments": {"x-match": "some"}},
            ": x-match expects all, any, all-with-x or any-with-x, got the string 'some'",
        ),
    ],
)
def test_a_binding_that_cannot_be_meant_is_refused(changes: dict[str, object], what: str) -> None:
    changed = binding(**changes)

    found = problem(exchanges=[exchange()], queues=[queue()], bindings=[changed])

    assert found == f"binding '{changed['source']}' -> '{changed['destination']}'{what}"


@pytest.mark.parametrize("key", ["source", "destination", "destination_type", "routing_key"])
def test_a_binding_lacks_nothing_but_arguments(key: str) -> None:
    found = problem(exchanges=[exchange()], queues=[queue()], bindings=[without(key, binding())])

    assert found.endswith(f" has no {key}")


def test_what_rabbitmq_or_a_connection_makes_itself_is_left_out() -> None:
    topology, left_out = read(
        exchanges=[exchange(name="amq.topic")],
        queues=[queue(), queue(name="amq.gen-a"), queue(name="reply", exclusive=True)],
        bindings=[
            binding(source="amq.topic", destination="amq.gen-a"),
            binding(source="amq.topic", destination="amq.gen-gone"),
            binding(source="amq.topic", destination="reply"),
            binding(source="", routing_key="q"),
            binding(source="amq.topic"),
            binding(source="amq.topic"),
        ],
    )

    assert set(topology.objects()) == {
        Queue(name="q"),
        Binding(source="amq.topic", destination="q", routing_key="k"),
    }
    assert [(found.kind, found.names) for found in left_out] == [
        ("exchanges", ("amq.topic",)),
        ("queues", ("amq.gen-a", "reply")),
        (
            "bindings",
            tuple(f"amq.topic -> {name} with routing key k" for name in ("amq.gen-a", "amq.gen-gone", "reply")),
        ),
        ("bindings", (" -> q with routing key q",)),
        ("bindings", ("amq.topic -> q with routing key k",)),
    ]


def test_loose_ends_of_4_3_are_those_of_private_queues_and_internal_exchanges() -> None:
    loose: dict[str, Any] = {"exchanges": [exchange()], "bindings": [binding(destination="reply")]}
    inner: dict[str, Any] = {
        "exchanges": [exchange()],
        "bindings": [binding(destination="in", destination_type="exchange")],
    }

    topology, left_out = read(rabbitmq_version="4.3.6", **loose)

    assert (len(topology.bindings), left_out[0].names) == (0, ("e -> reply with routing key k",))
    assert problem(rabbitmq_version="4.0.5", **loose).endswith(
        "needs queue 'reply', which is not in this file (RabbitMQ 4.x refuses that)"
    )
    assert problem(rabbitmq_version="4.3.6", **inner).endswith(
        "; RabbitMQ 4.3 does not export internal exchanges, but `attune-infra export` does"
    )


def test_the_type_beside_the_arguments_is_not_read_but_named_if_it_differs() -> None:
    topology, left_out = read(
        queues=[
            queue(type="quorum"),
            queue(name="r", type="classic"),
            queue(name="s", type="stream", arguments={"x-queue-type": "stream"}),
        ]
    )

    assert {name: found.type for name, found in topology.queues.items()} == {"q": None, "r": None, "s": "stream"}
    assert [(found.kind, found.names) for found in left_out] == [("types", ("quorum of queue 'q'",))]


def test_presence_is_listed_as_a_text() -> None:
    named = {"a": "undefined"}

    topology, left_out = read(
        exchanges=[exchange(name="h", type="headers"), exchange()],
        queues=[queue()],
        bindings=[binding(source="h", arguments=named), binding(arguments=named)],
    )

    assert {item.source: item.arguments for item in topology.bindings} == {"h": {"a": None}, "e": named}
    assert left_out == ()


def test_an_object_that_repeats_as_it_is_changes_nothing() -> None:
    topology, left_out = read(queues=[queue(), queue()], policies=[policy(), policy()])

    assert (list(topology.queues), list(topology.policies), left_out) == (["q"], ["p"], ())
