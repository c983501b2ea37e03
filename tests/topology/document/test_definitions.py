"""Definitions JSON, read and written; `tests/definitions` holds files, each with what is said of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from attune_infra.errors import InvalidInput
from attune_infra.render.words import omission
from attune_infra.topology.document.definitions import looks_like_definitions, parse_definitions, write_definitions
from attune_infra.topology.document.problems import InvalidDocument
from attune_infra.topology.document.text import LeftOut
from attune_infra.topology.document.write import write
from attune_infra.topology.model import Argument, Binding, Exchange, Policy, Queue, Topology
from support.folders import DEFINITIONS as FOLDER


def exchange(**changes: Any) -> dict[str, Any]:
    return {"name": "e", "type": "topic", "durable": True, "auto_delete": False, "internal": False} | changes


def queue(**changes: Any) -> dict[str, Any]:
    return {"name": "q", "durable": True, "auto_delete": False, "arguments": {}} | changes


def binding(**changes: Any) -> dict[str, Any]:
    end = {"source": "e", "destination": "q", "destination_type": "queue", "routing_key": "k"}
    return end | {"arguments": {}} | changes


def policy(**changes: Any) -> dict[str, Any]:
    return {"name": "p", "pattern": "^q", "definition": {"max-length": 5}} | changes


def without(key: str, entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != key}


def read(vhost: str | None = None, **members: object) -> tuple[Topology, tuple[LeftOut, ...]]:
    return parse_definitions(json.dumps(members), source="x.json", vhost=vhost)


def problems(text: str) -> list[str]:
    with pytest.raises(InvalidDocument) as caught:
        parse_definitions(text, source="x.json")
    return caught.value.sentence.splitlines()


def problem(**members: object) -> str:
    [found] = problems(json.dumps(members))
    return found.partition(": ")[2]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_a_file_is_read_as_its_companion_says(path: Path) -> None:
    try:
        topology, left_out = parse_definitions(path.read_text(encoding="utf-8"), source=path.name)
    except InvalidDocument as refusal:
        said = refusal.sentence + "\n"
    else:
        said = "".join(omission(found) + "\n" for found in left_out) + "\n" + write(topology)

    assert said == path.with_suffix(".txt").read_text(encoding="utf-8")
    assert "s3cret" not in said


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
        exchanges=[{"name": "e", "type": "topic", "durable": True}],
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
        ({"exchanges": None}, "exchanges must be a list, is null"),
        ({"queues": {"q": {}}}, "queues must be a list, is an object"),
        ({"queues": ["q"]}, "a queue must be an object, is 'q' (string)"),
        ({"foo": 1}, "holds no definitions"),
        ({}, "holds no definitions"),
        ({"exchanges": [without("name", exchange())]}, "an exchange has no name"),
        ({"exchanges": [without("type", exchange())]}, "exchange 'e' has no type"),
        (
            {"exchanges": [exchange(type="")]},
            "exchange 'e': the type is empty; RabbitMQ has direct, topic, fanout and headers",
        ),
        ({"exchanges": [without("durable", exchange())]}, "exchange 'e' has no durable"),
        ({"exchanges": [exchange(), exchange()]}, "exchange 'e' is there twice"),
        (
            {"queues": [without("durable", queue())]},
            "queue 'q' has no durable; RabbitMQ 3.10 refuses that, 4.x takes it for true",
        ),
        (
            {"queues": [without("auto_delete", queue())]},
            "queue 'q' has no auto_delete; RabbitMQ 3.10 refuses that, 4.x takes it for false",
        ),
        ({"queues": [queue(durable="yes")]}, "queue 'q': durable must be true or false, is 'yes' (string)"),
        ({"queues": [queue(durable=1)]}, "queue 'q': durable must be true or false, is 1 (integer)"),
        ({"queues": [queue(name=5)]}, "a queue: name must be a string, is 5 (integer)"),
        ({"queues": [queue(name="")]}, "queue '': the name is empty"),
        ({"queues": [queue(name="..")]}, "queue '..': the name is '..', which no HTTP client can address"),
        ({"queues": [queue(name="é" * 128)]}, f"queue '{'é' * 128}': the name is 256 bytes long; at most 255 fit"),
        ({"queues": [queue(name="\ud800")]}, "a queue holds half of a surrogate pair, which is no character"),
        ({"queues": [queue(arguments=None)]}, "queue 'q': arguments must be an object, is null"),
        ({"queues": [queue(arguments="x")]}, "queue 'q': arguments must be an object, is 'x' (string)"),
        (
            {"queues": [queue(arguments={"x": {"y": None}})]},
            "queue 'q': 'x' holds null; RabbitMQ cannot store that",
        ),
        (
            {"queues": [queue(arguments={"x": 2**64})]},
            "queue 'q': 'x' holds an integer of more than 64 bits, which AMQP cannot carry",
        ),
        (
            {"queues": [queue(arguments={"x-queue-type": 5})]},
            "queue 'q': x-queue-type must be a string, is 5 (integer)",
        ),
        (
            {"queues": [queue(arguments={"x-queue-type": "fast"})]},
            "queue 'q': type must be classic, quorum or stream, is 'fast'",
        ),
        (
            {"queues": [queue(arguments={"x-max-length": 1e3})]},
            "queue 'q': x-max-length must be an integer of at least 0, is 1000.0 (number)",
        ),
        (
            {"queues": [queue(arguments={"x-queue-type": "quorum"}, durable=False)]},
            "queue 'q': a quorum queue must be durable",
        ),
        ({"policies": [without("name", policy())]}, "a policy has no name"),
        ({"policies": [without("pattern", policy())]}, "policy 'p' has no pattern"),
        (
            {"policies": [policy(pattern="*")]},
            "policy 'p': is no regular expression: nothing to repeat at position 0",
        ),
        (
            {"policies": [without("definition", policy())]},
            "policy 'p': the definition is empty, which RabbitMQ refuses",
        ),
        ({"policies": [policy(priority="1")]}, "policy 'p': priority must be an integer, is '1' (string)"),
        (
            {"policies": [{**policy(), "apply-to": "Queues"}]},
            (
                "policy 'p': a policy cannot apply to 'Queues'; RabbitMQ knows queues, exchanges, all,"
                " classic_queues, quorum_queues, streams"
            ),
        ),
        ({"policies": [policy(), policy()]}, "policy 'p' is there twice"),
    ],
)
def test_what_cannot_be_meant_is_refused(members: dict[str, object], what: str) -> None:
    assert problem(**members) == what


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"source": "f"}, " needs exchange 'f', which this file does not hold"),
        ({"destination": "Q"}, " needs queue 'Q', which this file does not hold"),
        ({"destination": "qq"}, " needs queue 'qq', which this file does not hold; did you mean 'q'?"),
        (
            {"destination": "q", "destination_type": "exchange"},
            " needs exchange 'q', which this file does not hold",
        ),
        (
            {"destination": "amq.foo", "destination_type": "exchange"},
            " needs exchange 'amq.foo', which this file does not hold; did you mean 'amq.fanout'?",
        ),
        ({"destination_type": "Queue"}, ": destination_type must be queue or exchange, is 'Queue' (string)"),
        ({"routing_key": None}, ": routing_key must be a string, is null"),
        ({"routing_key": "k" * 256}, ": the routing key is 256 bytes long; at most 255 fit"),
        ({"arguments": 1}, ": arguments must be an object, is 1 (integer)"),
        (
            {"source": "amq.headers", "arguments": {"x-match": "some"}},
            ": x-match must be all, any, all-with-x or any-with-x, is 'some' (string)",
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


def test_every_problem_is_named_at_once_with_its_place() -> None:
    assert problems("""\
{"queues": [
    {"name": "q"},
    {"name": "q", "name": "q", "durable": true, "auto_delete": false},  5
 ],
 "bindings": [{"source": "e"}],
 "queues": []
}""") == [
        "x.json:2:5: queue 'q' has no auto_delete; RabbitMQ 3.10 refuses that, 4.x takes it for false",
        "x.json:2:5: queue 'q' has no durable; RabbitMQ 3.10 refuses that, 4.x takes it for true",
        "x.json:3:5: a queue has 'name' twice",
        "x.json:3:5: queue 'q' is there twice",
        "x.json:3:73: a queue must be an object, is 5 (integer)",
        "x.json:5:15: a binding has no destination",
        "x.json:5:15: binding 'e' -> '' has no destination_type",
        "x.json:5:15: binding 'e' -> '' has no routing_key",
        "x.json:5:15: binding 'e' -> '' needs exchange 'e', which this file does not hold",
        "x.json:6:2: 'queues' is there twice",
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "x.json:1:1: is not JSON: Expecting '{'"),
        ('{"queues": [}', "x.json:1:13: is not JSON: Expecting value"),
        ('{"a":' + "[" * 100_000, "x.json:1:1: is nested too deeply"),
    ],
)
def test_what_is_no_json_is_refused(text: str, found: str) -> None:
    assert problems(text) == [found]


def test_what_is_not_of_a_topology_is_named_and_its_values_are_not() -> None:
    _, left_out = read(
        rabbitmq_version="4.0.5",
        users=[{"name": "guest", "password_hash": "s3cret"}],
        permissions=[{"user": "guest", "vhost": "/", "configure": ".*"}],
        topic_permissions=[{"user": "guest", "exchange": "amq.topic"}],
        vhosts=[{"name": "/"}],
        limits={"max-queues": 5},
        global_parameters=[{"name": "cluster_name", "value": "s3cret"}],
        parameters=[
            {"component": "shovel", "name": "s", "value": {"src-uri": "s3cret"}},
            {"component": "federation-upstream", "name": "f", "value": {"uri": "s3cret"}},
            {"component": "operator_policy", "name": "o", "value": {}},
            {"component": "vhost-limits", "name": "limits", "value": {"max-connections": 5}},
            {"component": "mqtt", "name": "m", "value": {}},
        ],
        telemetry={"token": "s3cret"},
        queues=[queue(node="rabbit@a", policy="p")],
    )

    assert "s3cret" not in repr(left_out)
    assert [(found.kind, found.names) for found in left_out] == [
        ("users", ("guest",)),
        ("permissions", ("guest",)),
        ("topic permissions", ("guest",)),
        ("virtual hosts", ("/",)),
        ("limits", ("max-queues", "max-connections")),
        ("global parameters", ("cluster_name",)),
        ("shovels", ("s",)),
        ("federation upstreams", ("f",)),
        ("operator policies", ("o",)),
        ("parameters of mqtt", ("m",)),
        ("unknown keys", ("telemetry",)),
        ("keys of queues", ("node", "policy")),
    ]


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
        "needs queue 'reply', which this file does not hold"
    )
    assert problem(rabbitmq_version="4.3.6", **inner).endswith(
        "; RabbitMQ 4.3 does not export internal exchanges, but `attune-infra export` does"
    )


@pytest.mark.parametrize(
    ("members", "asked", "chosen", "queues", "others"),
    [
        ({"queues": [queue()]}, None, "", 1, []),
        ({"queues": [queue()]}, "mine", "mine", 1, []),
        ({"queues": [queue(vhost="a")]}, None, "a", 1, []),
        ({"queues": [queue(vhost="a")], "vhosts": [{"name": "/"}, {"name": "a"}]}, None, "a", 1, []),
        ({"queues": [queue(vhost="a")], "vhosts": [{"name": "/"}, {"name": "a"}]}, "/", "/", 0, [("a",)]),
        ({"queues": [queue(vhost="a"), queue(vhost="/")]}, None, "/", 1, [("a",)]),
        ({"queues": [queue(vhost="a"), queue(vhost="b")]}, "b", "b", 1, [("a",)]),
        ({"queues": [], "vhosts": [{"name": "a"}]}, None, "a", 0, []),
        ({"queues": [], "original_vhost_name": "a"}, None, "a", 0, []),
        ({"queues": [queue()], "policies": [policy(vhost="a")]}, None, "a", 1, []),
    ],
)
def test_one_virtual_host_is_read(
    members: dict[str, Any], asked: str | None, chosen: str, queues: int, others: list[tuple[str, ...]]
) -> None:
    topology, left_out = read(asked, **members)

    assert topology.name == chosen
    assert len(topology.queues) == queues
    assert [found.names for found in left_out if found.kind == "other virtual hosts"] == others


def test_which_virtual_host_is_meant_must_be_clear() -> None:
    several: dict[str, Any] = {"queues": [queue(vhost="a"), queue(vhost="b c")]}

    with pytest.raises(InvalidInput, match=r"x\.json holds several virtual hosts: 'a', 'b c'"):
        read(**several)
    with pytest.raises(InvalidInput, match=r"x\.json holds no virtual host 'd'") as caught:
        read("d", **several)

    assert caught.value.hint == "it holds 'a', 'b c'"
    assert problem(queues=[queue(vhost="a"), queue(vhost="/"), queue(name="r")]) == (
        "a queue has no vhost, and this file holds several"
    )


@pytest.mark.parametrize(
    "about",
    [
        {"default_queue_type": "quorum"},
        {"metadata": {"default_queue_type": "quorum"}},
        {"vhosts": [{"name": "/", "default_queue_type": "quorum"}]},
        {
            "vhosts": [
                {"name": "/", "default_queue_type": "undefined", "metadata": {"default_queue_type": "quorum"}}
            ]
        },
    ],
)
def test_a_virtual_host_with_a_type_of_its_own_gives_it_to_queues_that_name_none(about: dict[str, Any]) -> None:
    queues = [queue(vhost="/"), queue(name="c", vhost="/", arguments={"x-queue-type": "classic"})]

    topology, _ = read(queues=[*queues, queue(name="t", vhost="/", durable=False)], **about)

    assert {name: found.type for name, found in topology.queues.items()} == {
        "q": "quorum",
        "c": "classic",
        "t": None,
    }


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


@pytest.mark.parametrize(
    "text",
    [
        '{"queues": [',
        '\ufeff{"rabbit_version": "3.6.0"',
        '{"users":[]}',
        ' \n{"vhosts" : [{"name": "/"}]}',
        '{"policies": [{}]}',
        '{"x": 1, "topic_permissions": []}',
    ],
)
def test_definitions_look_like_it_even_if_they_are_broken(text: str) -> None:
    assert looks_like_definitions(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "topology: x",
        '{"queues": {"users": {}}}',
        '{"topology": "x", "queues": {"q": {"bindings": [{"exchange": "amq.topic"}]}}}',
        'queues:\n  "users": []',
        '- {"queues": []}',
    ],
)
def test_topology_documents_do_not_look_like_definitions(text: str) -> None:
    assert not looks_like_definitions(text)


def test_definitions_are_written_with_every_attribute_in_a_settled_order() -> None:
    arguments: dict[str, Argument] = {"z": "\u202e🐰", "a": {"y": 1, "x": 2}}
    topology = Topology.of(
        [
            Queue(name="q", type="quorum", arguments=arguments),
            Exchange(name="e", type="fanout"),
            Binding(source="e", destination="q"),
            Policy(name="p", pattern="", definition={"max-length": 1}),
        ],
        name="a b",
    )

    assert (
        write_definitions(topology)
        == """\
{
  "rabbitmq_definition_format": "single_virtual_host",
  "original_vhost_name": "a b",
  "exchanges": [
    {
      "name": "e",
      "type": "fanout",
      "durable": true,
      "auto_delete": false,
      "internal": false,
      "arguments": {}
    }
  ],
  "queues": [
    {
      "name": "q",
      "durable": true,
      "auto_delete": false,
      "arguments": {
        "a": {
          "x": 2,
          "y": 1
        },
        "x-queue-type": "quorum",
        "z": "\\u202e🐰"
      }
    }
  ],
  "bindings": [
    {
      "source": "e",
      "destination": "q",
      "destination_type": "queue",
      "routing_key": "",
      "arguments": {}
    }
  ],
  "policies": [
    {
      "name": "p",
      "pattern": "",
      "apply-to": "all",
      "definition": {
        "max-length": 1
      },
      "priority": 0
    }
  ]
}
"""
    )
    assert parse_definitions(write_definitions(topology), source="x.json") == (topology, ())
