from typing import Any

import pytest

from attune_infra.errors import InvalidInput
from support.definitions import policy, problem, queue, read
from support.problems import definitions_problems


def test_every_problem_is_named_at_once_with_its_place() -> None:
    assert definitions_problems("""\
{"queues": [
    {"name": "q"},
    {"name": "q", "name": "q", "durable": true, "auto_delete": false},  5
 ],
 "bindings": [{"source": "e"}],
 "queues": []
}""") == [
        "x.json:2:5: queue 'q' has no auto_delete; RabbitMQ 3.10 refuses that, 4.x assumes false",
        "x.json:2:5: queue 'q' has no durable; RabbitMQ 3.10 refuses that, 4.x assumes true",
        "x.json:3:5: a queue has the key 'name' twice; RabbitMQ 3.10 reads the last value, 4.x the first",
        "x.json:3:5: queue 'q' is declared twice",
        "x.json:3:73: a queue: expected an object, got the integer 5",
        "x.json:5:15: a binding has no destination",
        "x.json:5:15: binding 'e' -> '' has no destination_type",
        "x.json:5:15: binding 'e' -> '' has no routing_key",
        "x.json:5:15: binding 'e' -> '' needs exchange 'e', which is not in this file (RabbitMQ 4.x refuses that)",
        "x.json:6:2: duplicate key 'queues'",
    ]


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
        "a queue has no vhost, but this file holds several virtual hosts"
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


def test_a_byte_order_mark_is_the_first_thing_in_the_file() -> None:
    assert definitions_problems('\ufeff{"queues": []}') == [
        "x.json:1:1: the file begins with a byte order mark; RabbitMQ 4.0 refuses the file"
    ]
