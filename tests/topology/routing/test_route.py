"""The queues that messages reach; test_trace_on_broker.py shows that RabbitMQ agrees."""

from __future__ import annotations

import pytest

from attune_infra.topology.builtin import attune
from attune_infra.topology.facts.releases import Version
from attune_infra.topology.model import (
    Argument,
    Arguments,
    Binding,
    Exchange,
    Message,
    Policy,
    Queue,
    Topology,
    TopologyObject,
)
from attune_infra.topology.routing.route import Routed, Routing
from attune_infra.topology.worker import with_workers


def between(kind: str, *bindings: Binding, **arguments: Argument) -> Topology:
    """An exchange `e` of a type, and all queues that its bindings end at."""
    queues = {binding.destination for binding in bindings}
    return Topology.of(
        [Exchange(name="e", type=kind, arguments=arguments), *(Queue(name=name) for name in queues), *bindings]
    )


def bound(queue: str, routing_key: str = "", **arguments: Argument) -> Binding:
    return Binding(
        source="e",
        destination=queue,
        routing_key=routing_key,
        arguments={name.replace("_", "-"): value for name, value in arguments.items()},
    )


def linked(source: str, destination: str, routing_key: str = "") -> Binding:
    return Binding(source=source, destination=destination, destination_type="exchange", routing_key=routing_key)


def published(
    topology: Topology, routing_key: str = "", headers: Arguments | None = None, version: Version = (4, 3)
) -> Routed:
    message = Message(exchange="e", routing_key=routing_key, headers=headers or {})
    return Routing(topology, version=version).publish(message)


def test_a_worker_of_attune_gets_what_is_aimed_at_it_and_nobody_else_does() -> None:
    routing = Routing(with_workers(attune(), (1, 2)))

    routed = routing.publish(Message(exchange="attune.executions", routing_key="worker.1"))

    assert routed.queues == ("worker.1.executions",)
    assert [[binding.routing_key for binding in hop.matched] for hop in routed.hops] == [["worker.1"]]


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("a.*", ["a.b", "a.", "a.*", "a.#"], ["a", "", "a.b.c", "A.b"]),
        ("a.#", ["a", "a.", "a.b", "a.b.c"], ["", "ab", "b.a"]),
        ("#.a", ["a", ".a", "b.a", "c.b.a"], ["", "a.b", "a."]),
        ("a.#.b", ["a.b", "a..b", "a.c.d.b"], ["a", "a.b.c"]),
        ("*.*", [".", "a.b", "a."], ["", "a", "a.b.c"]),
        ("#", ["", "a", ".", "a.b.c"], []),
        ("#.#", ["", "a", "a.b"], []),
        ("*", ["a", "*", "#"], ["", "a.b"]),
        ("#.*.#", ["a", "a.b", "."], [""]),
        ("", [""], ["a", "."]),
        ("a#", ["a#"], ["a", "ab"]),
        ("##", ["##"], ["a", ""]),
    ],
)
def test_a_topic_pattern_matches_word_by_word(pattern: str, matching: list[str], others: list[str]) -> None:
    topology = between("topic", bound("q", pattern))

    found = {key: published(topology, key).queues for key in (*matching, *others)}

    assert found == dict.fromkeys(matching, ("q",)) | dict.fromkeys(others, ())


def test_a_pattern_of_many_hashes_is_matched_without_trying_every_way() -> None:
    topology = between("topic", bound("q", ".".join(["#.a"] * 30 + ["b"])))

    assert published(topology, ".".join(["a"] * 120)).queues == ()
    assert published(topology, ".".join(["a"] * 120 + ["b"])).queues == ("q",)


def test_a_direct_exchange_takes_a_pattern_literally() -> None:
    topology = between("direct", bound("q", "#"), bound("r", "worker.*"))

    assert published(topology, "worker.1").queues == ()
    assert published(topology, "worker.*").queues == ("r",)
    assert published(topology, "#").queues == ("q",)


def test_a_fanout_exchange_looks_at_nothing() -> None:
    topology = between("fanout", bound("q", "key"), bound("r", x_match="all", a=1))

    assert published(topology, "another").queues == ("q", "r")


@pytest.mark.parametrize(
    ("demanded", "matching", "others"),
    [
        ({}, [{}, {"a": 1}], []),
        ({"x-match": "all"}, [{}, {"a": 1}], []),
        ({"x-match": "any"}, [], [{}, {"a": 1}]),
        ({"a": 1, "b": 2}, [{"a": 1, "b": 2}, {"a": 1, "b": 2, "c": 3}], [{}, {"a": 1}, {"a": 1, "b": 3}]),
        ({"x-match": "any", "a": 1, "b": 2}, [{"a": 1}, {"b": 2, "a": 5}], [{}, {"a": 2, "b": 1}, {"c": 1}]),
        ({"a": "1"}, [{"a": "1"}], [{"a": 1}, {"a": True}]),
        ({"a": 1}, [{"a": 1}], [{"a": True}, {"a": "1"}]),
        ({"a": True}, [{"a": True}], [{"a": 1}, {"a": "true"}]),
        ({"a": None}, [{"a": 1}, {"a": ""}], [{}, {"b": 1}]),
        ({"x-a": 1}, [{}, {"x-a": 2}], []),
        ({"x-match": "any", "x-a": 1}, [], [{"x-a": 1}]),
        ({"x-match": "all-with-x", "x-a": 1, "b": 1}, [{"x-a": 1, "b": 1}], [{"b": 1}, {"x-a": 2, "b": 1}]),
        ({"x-match": "any-with-x", "x-a": 1, "b": 1}, [{"x-a": 1}, {"b": 1}], [{}, {"x-match": "any-with-x"}]),
    ],
)
def test_headers_match_as_x_match_says(
    demanded: Arguments, matching: list[Arguments], others: list[Arguments]
) -> None:
    binding = Binding(source="e", destination="q", routing_key="ignored", arguments=demanded)
    topology = between("headers", binding)

    assert [published(topology, headers=headers).queues for headers in matching] == [("q",)] * len(matching)
    assert [published(topology, headers=headers).queues for headers in others] == [()] * len(others)


def test_a_whole_float_is_an_integer_to_releases_before_4_only() -> None:
    topology = between("headers", bound("q", a=1))

    assert published(topology, headers={"a": 1.0}, version=(3, 10)).queues == ("q",)
    assert published(topology, headers={"a": 1.0}, version=(4, 0)).queues == ()
    assert published(topology, headers={"a": True}, version=(3, 10)).queues == ()


def test_each_exchange_is_visited_once_and_each_queue_named_once() -> None:
    topology = Topology.of(
        [
            Exchange(name="e", type="topic"),
            Exchange(name="f", type="fanout"),
            Queue(name="q"),
            linked("e", "f", "#"),
            linked("e", "e", "a"),
            linked("f", "e"),
            bound("q", "a"),
            bound("q", "*"),
            Binding(source="f", destination="q"),
        ]
    )

    routed = published(topology, "a")

    assert [hop.exchange.name for hop in routed.hops] == ["e", "f"]
    assert routed.queues == ("q",)


def test_an_alternate_exchange_gets_what_no_binding_matches_even_further_on() -> None:
    topology = Topology.of(
        [
            Exchange(name="e", type="fanout"),
            Exchange(name="f", arguments={"alternate-exchange": "g"}),
            Exchange(name="g", type="fanout"),
            Queue(name="q"),
            linked("e", "f"),
            Binding(source="g", destination="q"),
        ]
    )

    assert [hop.alternate for hop in published(topology, "a").hops] == [None, "g", None]
    assert published(topology, "a").queues == ("q",)


def test_an_exchange_that_leads_to_one_without_a_way_on_is_not_left_for_its_alternate() -> None:
    topology = Topology.of(
        [
            Exchange(name="e", type="fanout", arguments={"alternate-exchange": "amq.fanout"}),
            Exchange(name="f"),
            Queue(name="q"),
            linked("e", "f"),
            Binding(source="amq.fanout", destination="q"),
        ]
    )

    assert published(topology).queues == ()


def test_the_alternate_exchange_of_the_argument_comes_before_that_of_a_policy() -> None:
    policy = Policy(name="p", pattern=".", definition={"alternate-exchange": "amq.fanout"}, apply_to="exchanges")
    ends: list[TopologyObject] = [Queue(name="q"), Binding(source="amq.fanout", destination="q"), policy]

    by_policy = Topology.of([Exchange(name="e"), *ends])
    by_argument = Topology.of([Exchange(name="e", arguments={"alternate-exchange": "missing"}), *ends])

    assert published(by_policy).queues == ("q",)
    assert [hop.alternate for hop in published(by_argument).hops] == ["missing"]
    assert published(by_argument).queues == ()


def test_the_default_exchange_knows_each_queue_by_its_name() -> None:
    routing = Routing(Topology.of([Queue(name="q")]))

    assert routing.publish(Message(exchange="", routing_key="q")).queues == ("q",)
    assert routing.publish(Message(exchange="", routing_key="r")).queues == ()


def test_the_default_exchange_is_no_use_as_an_alternate_exchange() -> None:
    topology = Topology.of([Exchange(name="e", arguments={"alternate-exchange": ""}), Queue(name="q")])

    assert published(topology, "q").queues == ()


def test_cc_and_bcc_are_further_routing_keys() -> None:
    topology = between("direct", bound("q", "a"), bound("r", "b"), bound("s", "c"))

    assert published(topology, "a", {"CC": ["b"], "BCC": ["c"]}).queues == ("q", "r", "s")
    assert published(topology, "a", {"CC": "b"}).refused == "header CC must be an array of strings"


def test_what_a_plugin_decides_is_only_possible_and_so_is_all_behind_it() -> None:
    topology = Topology.of(
        [
            Exchange(name="e", type="fanout"),
            Exchange(name="hash", type="x-consistent-hash"),
            Exchange(name="behind", type="fanout"),
            *(Queue(name=name) for name in "qrs"),
            linked("e", "hash"),
            linked("hash", "behind", "1"),
            bound("q"),
            Binding(source="hash", destination="q", routing_key="1"),
            Binding(source="hash", destination="r", routing_key="1"),
            Binding(source="behind", destination="s"),
        ]
    )

    routed = published(topology)

    assert (routed.queues, routed.possible) == (("q",), ("r", "s"))
    assert {hop.exchange.name: hop.certain for hop in routed.hops} == {"e": True, "hash": True, "behind": False}


def test_a_client_cannot_publish_where_there_is_nothing_or_to_what_is_internal() -> None:
    topology = Topology.of([Exchange(name="e", internal=True, type="fanout"), Queue(name="q"), bound("q")])

    assert published(topology).refused == "exchange 'e' is internal: clients cannot publish to it"
    assert Routing(topology).publish(Message(exchange="f")).refused == "there is no exchange 'f'"
    assert Routing(topology).route(Message(exchange="e")).queues == ("q",)


def test_a_binding_whose_end_is_missing_is_not_there() -> None:
    topology = Topology.of([Exchange(name="e", type="fanout"), bound("missing"), linked("e", "missing")])

    assert published(topology).hops[0].matched == ()


@pytest.mark.parametrize("key", ["direct", "through", "elsewhere", "nowhere"])
def test_the_fast_way_finds_the_queues_of_the_slow_one(key: str) -> None:
    topology = Topology.of(
        [
            Exchange(name="e", arguments={"alternate-exchange": "other"}),
            Exchange(name="inner", type="fanout"),
            Exchange(name="other"),
            Queue(name="q"),
            Queue(name="r"),
            Queue(name="s"),
            Binding(source="e", destination="q", routing_key="direct"),
            Binding(source="e", destination="inner", destination_type="exchange", routing_key="through"),
            Binding(source="inner", destination="r"),
            Binding(source="other", destination="s", routing_key="elsewhere"),
        ]
    )
    expected = {"direct": {"q"}, "through": {"r"}, "elsewhere": {"s"}, "nowhere": set()}[key]

    assert Routing(topology).queues("e", key) == expected
    assert set(Routing(topology).route(Message(exchange="e", routing_key=key)).queues) == expected
