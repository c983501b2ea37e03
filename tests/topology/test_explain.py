from dataclasses import replace

import pytest

from attune_infra.topology.builtin import attune
from attune_infra.topology.diff import Create, diff
from attune_infra.topology.explain import explain, explain_plan
from attune_infra.topology.model import (
    Binding,
    Exchange,
    OperatorPolicy,
    Policy,
    Queue,
    TopicPermission,
    Topology,
    TopologyObject,
)
from attune_infra.topology.planning.plan import Plan


def reasons(have: Topology, want: TopologyObject) -> list[str]:
    [explanation] = explain(have, Topology.of([want]))
    return list(explanation.reasons)


def test_every_object_has_a_reason() -> None:
    explanations = explain(Topology(), attune())

    assert [explanation.object for explanation in explanations] == list(attune().objects())
    assert all(explanation.drift and explanation.reasons for explanation in explanations)
    assert not any(explanation.drift for explanation in explain(attune(), attune()))


def test_the_default_type_of_the_virtual_host_is_named() -> None:
    have = Topology.of([Queue(name="q", type="quorum")], default_queue_type="quorum")

    assert reasons(have, Queue(name="q")) == [
        "the existing object matches: RabbitMQ would accept this declaration",
        "no type is wanted, so the virtual host decides: quorum",
    ]


def test_arguments_that_nobody_compares_are_named() -> None:
    have = Topology.of([Queue(name="q", type="classic", arguments={"x-own": 1})])

    assert "x-own is not compared: RabbitMQ stores it at the first declaration and never reads it" in reasons(
        have, Queue(name="q")
    )


def test_the_policy_that_provides_an_argument_is_named() -> None:
    policy = Policy(name="p", pattern="", definition={"message-ttl": 5})
    have = Topology.of([Queue(name="q", type="classic"), policy])

    assert reasons(have, Queue(name="q", arguments={"x-message-ttl": 5}))[-1] == (
        "policy 'p' provides x-message-ttl (message-ttl); RabbitMQ would refuse it as an argument,"
        " and another policy could override it"
    )


def test_a_node_that_is_down_takes_nothing_away() -> None:
    have = Topology.of([Exchange(name="e"), Queue(name="q", type="classic", state="down")])

    assert "its node is down: the queue is unavailable, not missing" in reasons(have, Queue(name="q"))
    assert reasons(have, Binding(source="e", destination="q"))[-1] == (
        "the node of its queue is down; RabbitMQ 3.10 does not list such bindings until it is back"
    )
    assert Plan.between(have, Topology.of([Queue(name="q"), Binding(source="e", destination="q")])).changes == ()


def test_a_binding_is_missing_though_a_node_is_down_if_others_of_its_queue_are_listed() -> None:
    listed, wanted = (Binding(source="e", destination="q", routing_key=key) for key in ("listed", "wanted"))
    have = Topology.of([Exchange(name="e"), Queue(name="q", type="classic", state="down"), listed])
    to_exchange = Binding(source="e", destination="q", destination_type="exchange")

    assert diff(have, Topology.of([listed, wanted])) == (Create(wanted),)
    assert not any("does not list" in reason for reason in reasons(have, wanted))
    assert diff(replace(have, bindings=frozenset({to_exchange})), Topology.of([wanted])) == ()


def test_what_is_compared_is_named() -> None:
    have = Topology.of([Exchange(name="e", type="topic")])

    assert reasons(have, Exchange(name="e", type="direct")) == [
        "RabbitMQ compares type with the existing object, and would refuse this declaration"
    ]


def test_an_argument_that_is_kept_is_told_from_one_that_is_compared() -> None:
    queue = Queue(name="q", type="quorum", arguments={"x-consumer-timeout": 60_000, "x-max-length": 5})
    have = replace(Topology.of([queue]), version=(4, 0))

    assert reasons(have, Queue(name="q", type="quorum", arguments={"x-consumer-timeout": 90_000})) == [
        "RabbitMQ compares x-max-length with the existing object, and would refuse this declaration",
        (
            "x-consumer-timeout is not compared, but has an effect: RabbitMQ would accept this declaration"
            " and go on acting on the existing value"
        ),
    ]


def test_what_is_left_alone_is_named_with_the_reason() -> None:
    have = Topology.of([Queue(name="somebody's")])

    found = explain_plan(Plan.between(have, Topology()), have, Topology(manages=("mine.*",)))

    assert found.kept == ((Queue(name="somebody's"), "no `manages` pattern of the document matches 'somebody's'"),)


def test_arguments_of_an_exchange_that_nobody_compares_are_named() -> None:
    have = Topology.of([Exchange(name="e", arguments={"x-own": 1})])

    assert "x-own is not compared: RabbitMQ stores it at the first declaration and never reads it" in reasons(
        have, Exchange(name="e")
    )


def test_the_type_of_the_existing_object_decides_what_is_compared() -> None:
    have = Topology.of([Exchange(name="e", type="x-consistent-hash", arguments={"hash-header": "a"})])

    assert reasons(have, Exchange(name="e", type="direct", arguments={"hash-header": "b"})) == [
        "RabbitMQ compares type with the existing object, and would refuse this declaration",
        (
            "hash-header is not compared, but has an effect: RabbitMQ would accept this declaration"
            " and go on acting on the existing value"
        ),
    ]


@pytest.mark.parametrize(
    ("item", "missing", "equal"),
    [
        (
            Binding(source="amq.topic", destination="amq.fanout", destination_type="exchange"),
            "no binding has these ends, this routing key and these arguments (compared with their types)",
            "a binding with these ends, this routing key and these arguments exists",
        ),
        (
            Policy(name="p", pattern="^p", definition={"max-length": 1}),
            "no policy has this name",
            "a policy with this pattern and definition exists",
        ),
        (
            Exchange(name="e"),
            "no exchange has this name",
            "the existing object matches: RabbitMQ would accept this declaration",
        ),
    ],
)
def test_each_kind_of_object_has_its_reason(item: TopologyObject, missing: str, equal: str) -> None:
    assert reasons(Topology(), item) == [missing]
    assert reasons(Topology.of([item]), item) == [equal]


def test_an_external_object_is_its_owners() -> None:
    assert reasons(Topology.of([Queue(name="q")]), Queue(name="q", external=True))[0] == (
        "its owner declares it, and it exists"
    )


def test_kinds_of_two_words_are_told_as_words() -> None:
    policy = OperatorPolicy(name="o", pattern="^q", definition={"max-length": 1})
    permission = TopicPermission(user="ann", exchange="e", write="", read="")

    assert reasons(Topology(), policy) == ["no operator policy has this name"]
    assert reasons(Topology(), permission) == ["the user has no topic permissions here"]
