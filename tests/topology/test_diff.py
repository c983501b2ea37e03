from dataclasses import replace

import pytest

from attune_infra.topology.builtin import attune
from attune_infra.topology.diff import Await, Create, Difference, Recreate, Update, diff, undeclared
from attune_infra.topology.facts.releases import Version
from attune_infra.topology.model import (
    ABSENT,
    Argument,
    Binding,
    Exchange,
    Policy,
    Queue,
    Topology,
    TopologyObject,
)


def differences(
    have: TopologyObject, want: TopologyObject, default_queue_type: str = "classic"
) -> list[Difference]:
    changes = diff(Topology.of([have], default_queue_type=default_queue_type), Topology.of([want]))
    return [found for change in changes if not isinstance(change, Create) for found in change.differences]


def test_everything_is_missing_from_an_empty_broker_in_the_order_it_can_be_made() -> None:
    changes = diff(Topology(), attune())

    assert changes == tuple(Create(item) for item in attune().objects())
    kinds = [type(change.want) for change in changes]
    assert kinds == [Exchange] * 4 + [Queue] * 4 + [Policy] + [Binding] * 4


def test_nothing_is_to_be_done_where_all_is_there() -> None:
    assert diff(attune(), attune()) == ()


def test_an_exchange_of_another_type_cannot_be_changed_in_place() -> None:
    want = Exchange(name="e", type="direct")

    [change] = diff(Topology.of([Exchange(name="e", type="topic", durable=False)]), Topology.of([want]))

    assert change == Recreate(
        want, (Difference("type", "topic", "direct"), Difference("durable", have=False, want=True))
    )


def test_a_policy_is_changed_in_place() -> None:
    have = Policy(name="p", pattern="^a", definition={"expires": 1})
    want = Policy(name="p", pattern="^b", definition={"expires": 1, "max-length": 2})

    [change] = diff(Topology.of([have]), Topology.of([want]))

    assert change == Update(want, (Difference("pattern", "^a", "^b"), Difference("max-length", ABSENT, 2)))


@pytest.mark.parametrize(
    ("have", "want", "found"),
    [
        ({}, {"x-message-ttl": 1}, [Difference("x-message-ttl", ABSENT, 1)]),
        ({"x-message-ttl": 1}, {}, [Difference("x-message-ttl", 1, ABSENT)]),
        ({"x-message-ttl": 1}, {"x-message-ttl": 2}, [Difference("x-message-ttl", 1, 2)]),
        ({"x-message-ttl": 1}, {"x-message-ttl": "1"}, [Difference("x-message-ttl", 1, "1")]),
        ({"x-message-ttl": 1}, {"x-message-ttl": 1.0}, [Difference("x-message-ttl", 1, 1.0)]),
        (
            {"x-single-active-consumer": 1},
            {"x-single-active-consumer": True},
            [Difference("x-single-active-consumer", 1, want=True)],
        ),
        ({"x-dead-letter-exchange": ""}, {}, [Difference("x-dead-letter-exchange", "", ABSENT)]),
        ({"x-anything-else": 1}, {}, []),
        ({}, {"x-anything-else": 1}, []),
        ({"x-delivery-limit": 3}, {}, []),
    ],
)
def test_queue_arguments_are_compared_as_rabbitmq_compares_them(
    have: dict[str, Argument], want: dict[str, Argument], found: list[Difference]
) -> None:
    assert differences(Queue(name="q", type="classic", arguments=have), Queue(name="q", arguments=want)) == found


def test_a_delivery_limit_counts_on_a_quorum_queue() -> None:
    have = Queue(name="q", type="quorum", arguments={"x-delivery-limit": 3})

    assert differences(have, Queue(name="q", type="quorum")) == [Difference("x-delivery-limit", 3, ABSENT)]


@pytest.mark.parametrize(
    ("version", "queue_type", "argument", "is_difference"),
    [
        ((3, 10), "quorum", "x-consumer-timeout", False),  # unknown
        ((4, 0), "quorum", "x-consumer-timeout", True),  # kept
        ((4, 3), "quorum", "x-consumer-timeout", True),  # compared
        ((4, 3), "classic", "x-consumer-timeout", False),
        ((4, 0), "quorum", "x-delayed-retry-min", False),
        ((4, 3), "quorum", "x-delayed-retry-min", True),
        (None, "quorum", "x-delayed-retry-min", True),
        ((3, 10), "classic", "x-queue-leader-locator", False),
        ((4, 0), "classic", "x-queue-leader-locator", True),
        ((3, 10), "quorum", "x-max-in-memory-length", True),
        ((4, 0), "classic", "x-max-in-memory-length", False),
        ((4, 3), "quorum", "x-quorum-target-group-size", True),
    ],
)
def test_the_release_and_the_type_decide_what_is_compared(
    version: Version | None, queue_type: str, argument: str, *, is_difference: bool
) -> None:
    have = replace(Topology.of([Queue(name="q", type=queue_type)]), version=version)

    changes = diff(have, Topology.of([Queue(name="q", type=queue_type, arguments={argument: 7})]))

    assert bool(changes) is is_difference


def test_an_argument_of_a_plugin_is_kept_by_the_exchanges_of_its_type() -> None:
    have = Exchange(name="e", type="x-consistent-hash", arguments={"hash-header": "a"})
    plain = Exchange(name="e", arguments={"hash-header": "a"})

    assert differences(have, replace(have, arguments={})) == [Difference("hash-header", "a", ABSENT)]
    assert differences(plain, replace(plain, arguments={})) == []


@pytest.mark.parametrize(
    ("have_type", "want", "default", "same"),
    [
        ("classic", Queue(name="q"), "classic", True),
        ("classic", Queue(name="q", type="classic"), "quorum", True),
        ("quorum", Queue(name="q"), "quorum", True),
        ("quorum", Queue(name="q"), "classic", False),
        ("classic", Queue(name="q"), "quorum", False),
        ("classic", Queue(name="q", durable=False), "quorum", True),
        ("classic", Queue(name="q", auto_delete=True), "quorum", True),
    ],
)
def test_a_queue_without_a_type_has_the_default_of_its_virtual_host(
    have_type: str, want: Queue, default: str, same: bool
) -> None:
    found = differences(replace(want, type=have_type), want, default)

    assert found == ([] if same else [Difference("type", have_type, default)])


def test_unknown_arguments_of_an_exchange_do_not_count_but_its_alternate_exchange_does() -> None:
    have = Exchange(name="e", arguments={"x-own": 1, "alternate-exchange": "a"})

    assert differences(have, Exchange(name="e")) == [Difference("alternate-exchange", "a", ABSENT)]


def test_bindings_differ_by_the_type_of_their_arguments() -> None:
    one = Binding(source="e", destination="q", arguments={"n": 1})

    assert one == Binding(source="e", destination="q", arguments={"n": 1})
    assert one != Binding(source="e", destination="q", arguments={"n": 1.0})
    assert one != Binding(source="e", destination="q", arguments={"n": True})
    assert one != Binding(source="e", destination="q", arguments={"n": "1"})
    assert one != Binding(source="e", destination="q", arguments={"n": [1]})
    assert one != Binding(source="e", destination="q", destination_type="exchange", arguments={"n": 1})


def test_what_nobody_declared_is_told() -> None:
    extra = (
        Exchange(name="x"),
        Queue(name="x"),
        Policy(name="x", pattern=""),
        Binding(source="attune.dlx", destination="attune.dlx.queue", routing_key="x"),
    )

    assert undeclared(Topology.of([*attune().objects(), *extra]), attune()) == extra
    assert undeclared(attune(), attune()) == ()


def test_an_external_object_of_another_type_is_awaited_as_the_wanted_one() -> None:
    have = Topology.of([Exchange(name="e", type="topic"), Queue(name="q", type="classic")])
    exchange, queue = (
        Exchange(name="e", type="fanout", external=True),
        Queue(name="q", type="classic", external=True),
    )

    assert diff(have, Topology.of([exchange, queue])) == (
        Await(exchange, (Difference("type", "topic", "fanout"),)),
    )
