"""JSON as RabbitMQ 3.10.8, 4.0.5 and 4.3.6 send it without statistics, and the bodies and paths of requests."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import pytest

from attune_infra.broker import wire
from attune_infra.broker.http.management import path
from attune_infra.fleet.model import Depth
from attune_infra.topology.facts.protocols import needs_http
from attune_infra.topology.model import (
    Argument,
    Arguments,
    Binding,
    Exchange,
    Policy,
    Queue,
    Topology,
    TopologyObject,
)

Item: TypeAlias = dict[str, Any]

EXCHANGES: list[Item] = json.loads("""[
{"name": "", "type": "direct", "durable": true, "auto_delete": false, "internal": false, "arguments": {},
 "user_who_performed_action": "guest", "vhost": "v"},
{"name": "amq.rabbitmq.trace", "type": "topic", "durable": true, "auto_delete": false, "internal": true,
 "arguments": {}, "user_who_performed_action": "guest", "vhost": "v"},
{"name": "e /é?#", "type": "topic", "durable": true, "auto_delete": false, "internal": true, "policy": "p",
 "arguments": {"alternate-exchange": "x"}, "user_who_performed_action": "guest", "vhost": "v"}
]""")

QUEUES: dict[str, list[Item]] = json.loads("""{
"3.10": [
 {"name": "plain", "type": "classic", "durable": true, "auto_delete": false, "exclusive": false,
  "arguments": {"x-dead-letter-exchange": ""}, "node": "n@localhost", "state": "live", "vhost": "v"},
 {"name": "quorum", "type": "quorum", "durable": true, "auto_delete": false, "exclusive": false,
  "arguments": {"x-queue-type": "quorum"}, "leader": "n@localhost", "members": ["n@localhost"],
  "online": ["n@localhost"], "state": "live", "vhost": "v"},
 {"name": "amq.gen-6h0fRe5ME4wu0v79tmh6PA", "type": "classic", "durable": false, "auto_delete": true,
  "exclusive": true, "arguments": {}, "node": "n@localhost", "state": "live", "vhost": "v"}],
"4.0": [
 {"name": "plain", "type": "classic", "durable": true, "auto_delete": false, "exclusive": false,
  "arguments": {"x-dead-letter-exchange": "", "x-queue-type": "classic"}, "node": "n@localhost",
  "state": "running", "vhost": "v"},
 {"name": "quorum", "type": "quorum", "durable": true, "auto_delete": false, "exclusive": false,
  "arguments": {"x-queue-type": "quorum"}, "leader": "n@localhost", "members": ["n@localhost"],
  "online": ["n@localhost"], "node": "n@localhost", "state": "running", "vhost": "v"},
 {"name": "amq.gen-6h0fRe5ME4wu0v79tmh6PA", "type": "classic", "durable": false, "auto_delete": true,
  "exclusive": true, "arguments": {"x-queue-type": "classic"}, "node": "n@localhost", "state": "running",
  "vhost": "v"}]
}""")
NO_POLICY: Item = {"effective_policy_definition": {}, "operator_policy": None, "policy": None}
QUEUES["4.3"] = [item | NO_POLICY | {"internal": False, "internal_owner": False} for item in QUEUES["4.0"]]
QUEUE: Item = {"name": "q", "type": "classic", "durable": True, "auto_delete": False, "arguments": {}}
BINDINGS: list[Item] = json.loads("""[
{"source": "", "vhost": "v", "destination": "q", "destination_type": "queue", "routing_key": "q",
 "arguments": {}, "properties_key": "q"},
{"source": "e", "vhost": "v", "destination": "q", "destination_type": "queue", "routing_key": "a.#",
 "arguments": {}, "properties_key": "a.%23"},
{"source": "e", "vhost": "v", "destination": "heads", "destination_type": "exchange", "routing_key": "a",
 "arguments": {"n": 1, "t": {"a": [1, true, "x"]}, "x-match": "all"}, "properties_key": "a~gaUflw"}
]""")
NESTED: Arguments = {"n": 1, "t": {"a": [1, True, "x"]}, "x-match": "all"}
READ_BINDINGS = [
    Binding(source="e", destination="q", routing_key="a.#"),
    Binding(source="e", destination="heads", destination_type="exchange", routing_key="a", arguments=NESTED),
]


def asked_for(query: Mapping[str, str], listing: Iterable[Item]) -> list[Item]:
    """Return what the management API sends of a listing in answer to a query: its columns."""
    columns = query["columns"].split(",")
    return [{name: value for name, value in item.items() if name in columns} for item in listing]


def test_exchanges_are_read_without_those_of_rabbitmq() -> None:
    read = [Exchange(name="e /é?#", type="topic", internal=True, arguments={"alternate-exchange": "x"})]

    assert wire.exchanges_from(EXCHANGES) == read
    assert wire.exchanges_from(asked_for(wire.EXCHANGES, EXCHANGES)) == read


@pytest.mark.parametrize("name", ["amq", "AMQ.x", "my.amq.x"])
def test_only_the_exact_prefix_makes_an_exchange_one_of_rabbitmq(name: str) -> None:
    assert [exchange.name for exchange in wire.exchanges_from([EXCHANGES[-1] | {"name": name}])] == [name]


@pytest.mark.parametrize("release", QUEUES)
def test_queues_are_read_alike_from_each_release(release: str) -> None:
    """RabbitMQ 4 adds `x-queue-type` to the arguments of a queue that was declared without it."""
    server_named = QUEUES[release][-1]["name"]
    read = [
        Queue(name="plain", type="classic", arguments={"x-dead-letter-exchange": ""}),
        Queue(name="quorum", type="quorum"),
        Queue(name=server_named, type="classic", durable=False, auto_delete=True, exclusive=True),
    ]

    assert wire.queues_from(QUEUES[release]) == read
    assert wire.queues_from(asked_for(wire.QUEUES, QUEUES[release])) == read


def test_a_queue_listed_without_exclusive_is_not_exclusive() -> None:
    assert "exclusive" not in QUEUE
    assert wire.queues_from([QUEUE]) == [Queue(name="q", type="classic")]


@pytest.mark.parametrize(
    ("listed", "state", "works"),
    [
        ({}, None, True),
        ({"state": "live"}, "live", True),
        ({"state": "running"}, "running", True),
        ({"state": "down"}, "down", False),
    ],
)
def test_the_state_of_a_queue_is_in_the_words_of_rabbitmq(listed: Item, state: str | None, works: bool) -> None:
    [queue] = wire.queues_from([QUEUE | listed])

    assert (queue.state, queue.works) == (state, works)


def test_bindings_are_read_without_those_of_the_default_exchange() -> None:
    assert wire.bindings_from(BINDINGS) == READ_BINDINGS
    assert wire.bindings_from(asked_for(wire.BINDINGS, BINDINGS)) == READ_BINDINGS


def test_bindings_of_one_exchange_need_not_name_it() -> None:
    listing = asked_for(wire.BINDINGS_OF_A_SOURCE, BINDINGS[1:])

    assert not any("source" in item for item in listing)
    assert wire.bindings_of("e", listing) == READ_BINDINGS


def test_a_binding_keeps_the_types_of_its_arguments() -> None:
    """To RabbitMQ these are different bindings."""
    values: list[Argument] = [1, True, 1.0, "1", [1], [True], {"n": 1}, {"n": True}]
    bindings = [wire.binding_from(BINDINGS[1] | {"arguments": {"n": value}}, "e") for value in values]

    assert len({*bindings, wire.binding_from(BINDINGS[1], "e")}) == len(values) + 1


def test_private_queues_and_objects_of_plugins_are_hidden_with_their_bindings() -> None:
    ours: list[Exchange | Queue] = [Exchange(name="e"), Queue(name="ours"), Queue(name="amqp", auto_delete=True)]
    hidden = [
        Queue(name="mine", durable=False, exclusive=True),
        Queue(name="amq.gen-x", durable=False),
        Queue(name="mqtt-subscription-a"),
    ]
    to_exchange = Binding(source="e", destination="mine", destination_type="exchange")
    kept = [Binding(source="e", destination="ours"), to_exchange]
    theirs = [Binding(source="e", destination=queue.name) for queue in hidden]

    assert wire.split_hidden([*hidden, *ours], [*theirs, *kept]) == (
        [*ours, *kept],
        Topology.of([*hidden, *theirs]),
    )
    assert wire.split_hidden(ours, kept) == ([*ours, *kept], None)
    assert wire.split_hidden(hidden, theirs) == ([], Topology.of([*hidden, *theirs]))


def test_policies_are_read() -> None:
    listed = {"vhost": "v", "name": "p", "pattern": "^a", "apply-to": "quorum_queues", "priority": 3}
    read = Policy(name="p", pattern="^a", apply_to="quorum_queues", priority=3, definition={"expires": 5})

    assert wire.policies_from([listed | {"definition": {"expires": 5}}]) == [read]


@pytest.mark.parametrize(
    ("item", "body"),
    [
        (
            Exchange(name="e"),
            {"type": "direct", "durable": True, "auto_delete": False, "internal": False, "arguments": {}},
        ),
        (
            Exchange(name="e", type="topic", durable=False, auto_delete=True, internal=True, arguments={"a": "b"}),
            {"type": "topic", "durable": False, "auto_delete": True, "internal": True, "arguments": {"a": "b"}},
        ),
        (Queue(name="q"), {"durable": True, "auto_delete": False, "arguments": {}}),
        (
            Queue(name="q", type="quorum", durable=False, auto_delete=True, exclusive=True, arguments={"a": 1}),
            {"durable": False, "auto_delete": True, "arguments": {"a": 1, "x-queue-type": "quorum"}},
        ),
        (Binding(source="e", destination="q"), {"routing_key": "", "arguments": {}}),
        (READ_BINDINGS[1], {"routing_key": "a", "arguments": NESTED}),
        (Policy(name="p", pattern="^a"), {"pattern": "^a", "definition": {}, "apply-to": "all", "priority": 0}),
        (
            Policy(name="p", pattern="^a", apply_to="queues", priority=3, definition={"expires": 5}),
            {"pattern": "^a", "definition": {"expires": 5}, "apply-to": "queues", "priority": 3},
        ),
    ],
)
def test_bodies_leave_nothing_to_the_defaults_of_the_api(item: TopologyObject, body: wire.Json) -> None:
    assert wire.body_of(item) == body


@pytest.mark.parametrize(
    ("binding", "virtual_host", "address"),
    [
        (Binding(source="e", destination="q"), "/", "/api/bindings/%2F/e/e/q/q"),
        (Binding(source="e", destination="f", destination_type="exchange"), "v", "/api/bindings/v/e/e/e/f"),
        (
            Binding(source="a b/+%c", destination="é?#", routing_key="no part of it"),
            "test 1",
            "/api/bindings/test%201/e/a%20b%2F%2B%25c/q/%C3%A9%3F%23",
        ),
    ],
)
def test_the_path_of_a_binding_names_its_two_ends(binding: Binding, virtual_host: str, address: str) -> None:
    assert path(*wire.path_of(binding, virtual_host)) == address


def test_depths_leave_out_queues_without_totals() -> None:
    """A queue whose node is down has none, nor has a fresh stream."""
    counted = {"name": "full", "messages_ready": 3, "messages_unacknowledged": 2}
    empty = {"name": "empty", "messages_ready": 0, "messages_unacknowledged": 0}

    assert wire.depths_from([counted, empty, {"name": "down"}]) == {"full": Depth(3, 2), "empty": Depth(0, 0)}
    assert asked_for(wire.TOTALS, [counted]) == [counted]


@pytest.mark.parametrize(
    ("queue", "other"),
    [
        ("worker.1.executions", "worker.11executions"),
        ("a|b", "a"),
        (".*", "anything"),
        ("(a+)", "a"),
        ("[ab]", "a"),
        ("a\\d", "a1"),
        ("^a$", "a"),
        ("a b\t#é", "a b\t#éé"),
        ("jobs", "jobs.old"),
        ("jobs", "old.jobs"),
    ],
)
def test_the_query_for_one_queue_matches_its_name_alone(queue: str, other: str) -> None:
    query = wire.with_totals(queue)

    assert re.search(query["name"], queue)
    assert not re.search(query["name"], other)
    assert query["use_regex"] == query["enable_queue_totals"] == "true"


def test_the_query_for_one_queue_asks_for_what_a_queue_is_read_from() -> None:
    listed = QUEUE | {"exclusive": False, "state": "running", "messages": 5}

    assert asked_for(wire.with_totals("q"), [listed | {"memory": 1}]) == [listed]


@pytest.mark.parametrize(
    ("arguments", "over_http"),
    [
        ({}, False),
        ({"x-match": "all", "ok": True, "no": False}, False),
        ({"n": 1.5, "empty": None, "t": {}, "a": []}, False),
        ({"t": {"ok": True}, "a": [True, "1", {"x": ["y"]}]}, False),
        ({"n": 0}, True),
        ({"n": 2**40}, True),
        ({"t": {"ok": True, "n": 1}}, True),
        ({"a": ["x", 1]}, True),
        ({"a": [{"t": {"a": [[True, 1]]}}]}, True),
    ],
)
def test_bindings_with_integers_need_http(arguments: dict[str, Argument], over_http: bool) -> None:
    assert needs_http(Binding(source="e", destination="q", arguments=arguments)) is over_http
    assert not needs_http(Queue(name="q", arguments=arguments))
    assert not needs_http(Exchange(name="e", arguments=arguments))
    assert needs_http(Policy(name="p", pattern="", definition=arguments))


@pytest.mark.parametrize(
    ("queue", "arguments"),
    [
        (Queue(name="q", arguments={"a": 1}), {"a": 1}),
        (Queue(name="q", arguments={"a": 1}, type="quorum"), {"a": 1, "x-queue-type": "quorum"}),
    ],
)
def test_a_wanted_type_is_an_argument_of_the_declaration(queue: Queue, arguments: dict[str, Argument]) -> None:
    assert wire.queue_arguments(queue) == arguments
    assert queue.arguments == {"a": 1}


@pytest.mark.parametrize(
    ("item", "transient"),
    [
        (Queue(name="q", durable=False), True),
        (Queue(name="q", durable=False, auto_delete=True), True),
        (Queue(name="q", durable=False, exclusive=True), False),
        (Queue(name="q"), False),
        (Queue(name="q", auto_delete=True), False),
        (Exchange(name="e", durable=False), False),
        (Binding(source="e", destination="q"), False),
        (Policy(name="p", pattern=""), False),
    ],
)
def test_a_transient_queue_is_neither_durable_nor_exclusive(item: TopologyObject, transient: bool) -> None:
    assert wire.is_transient(item) is transient


@pytest.mark.parametrize(
    ("listed", "read"),
    [
        ({}, {}),
        ({"policy": "p"}, {("policy", "queue", "q"): "p"}),
        (NO_POLICY, {("policy", "queue", "q"): "", ("operator_policy", "queue", "q"): ""}),
        (
            {"policy": None, "operator_policy": "o"},
            {("policy", "queue", "q"): "", ("operator_policy", "queue", "q"): "o"},
        ),
    ],
)
def test_a_policy_that_is_not_listed_is_not_said_to_be_none(
    listed: Item, read: dict[tuple[str, str, str], str]
) -> None:
    assert wire.policies_in_effect("queue", [QUEUE | listed]) == read


def test_patterns_match_their_names_and_stay_short() -> None:
    names = [f"queue | {'ü' * 100}.{number}*" for number in range(20)] + ["ü" * 127]

    patterns = list(wire.patterns_of(names))

    assert all(len(pattern.encode()) <= 1024 for pattern in patterns)
    assert len(patterns) < len(names)
    for name in names:
        assert sum(bool(re.search(pattern, name)) for pattern in patterns) == 1
    assert not any(re.search(pattern, "queue") for pattern in patterns)
    assert list(wire.patterns_of([])) == []
