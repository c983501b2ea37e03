"""Plans of taps: the bindings, the exchanges that cannot be tapped, and the warnings."""

from __future__ import annotations

import pytest

from attune_infra.errors import InvalidInput
from attune_infra.topology.model import Binding, Exchange, Queue, Topology
from attune_infra.topology.routing.tap import Tap, Wish, plan_tap


def plan(wish: Wish, exchange: Exchange, *bindings: Binding) -> Tap:
    queues = [Queue(name=each.destination) for each in bindings if each.destination_type == "queue"]
    others = [Exchange(name=each.destination) for each in bindings if each.destination_type == "exchange"]
    return plan_tap(wish, Topology.of([exchange, *queues, *others, *bindings]), "tap")


def bound(key: str = "", destination: str = "q", **arguments: object) -> Binding:
    return Binding(source="e", destination=destination, routing_key=key, arguments=arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["x-consistent-hash", "x-random", "x-modulus-hash", "x-local-random"])
def test_an_exchange_that_divides_its_messages_is_not_tapped(kind: str) -> None:
    with pytest.raises(InvalidInput, match="a tap would take messages away from the others"):
        plan(Wish(exchange="e"), Exchange(name="e", type=kind), bound("1"))


def test_a_type_of_an_unknown_plugin_is_not_tapped() -> None:
    with pytest.raises(InvalidInput, match="is of type x-jms-topic: only its plugin knows what it routes"):
        plan(Wish(exchange="e"), Exchange(name="e", type="x-jms-topic"), bound("1"))


@pytest.mark.parametrize(
    ("exchange", "key"),
    [
        (Exchange(name="e", type="x-delayed-message", arguments={"x-delayed-type": "topic"}), "#"),
        (Exchange(name="e", type="x-recent-history"), ""),
    ],
)
def test_a_type_that_routes_as_one_of_rabbitmqs_own_is_tapped_as_that(exchange: Exchange, key: str) -> None:
    found = plan(Wish(exchange="e"), exchange, bound("#"))

    assert [each.routing_key for each in found.bindings] == [key]
    assert found.remarks == ()


def test_a_binding_is_taken_over_once() -> None:
    bindings = (bound("a"), bound("a", "other"), bound("a", x=1), bound("b"))

    found = plan(Wish(exchange="e", only_routed=True), Exchange(name="e", type="topic"), *bindings)

    assert sorted((each.routing_key, each.destination, each.arguments) for each in found.bindings) == [
        ("a", "tap", {}),
        ("b", "tap", {}),
    ]


def test_criteria_of_headers_are_taken_over() -> None:
    one, two = bound(kind="x"), bound("ignored", "other", **{"x-match": "any", "n": 1, "m": True})

    found = plan(Wish(exchange="e", only_routed=True), Exchange(name="e", type="headers"), one, two)

    assert sorted(map(str, (each.arguments for each in found.bindings))) == sorted(
        map(str, (one.arguments, two.arguments))
    )
    assert found.remarks == ()


@pytest.mark.parametrize(
    ("kind", "wish", "bindings", "warns"),
    [
        ("topic", Wish(exchange="e"), (), True),
        ("topic", Wish(exchange="e"), (bound("#"),), False),
        ("topic", Wish(exchange="e"), (bound("#.#"),), False),
        ("topic", Wish(exchange="e"), (bound("a.#"),), True),
        ("topic", Wish(exchange="e", key="a.*"), (bound("a.#"),), False),
        ("topic", Wish(exchange="e", key="a.#"), (bound("a.*"),), True),
        ("fanout", Wish(exchange="e"), (), True),
        ("fanout", Wish(exchange="e"), (bound(),), False),
        ("direct", Wish(exchange="e", key="a"), (bound("b"),), True),
        ("direct", Wish(exchange="e", key="a"), (bound("a"),), False),
        ("headers", Wish(exchange="e"), (bound(a=1),), True),
        ("headers", Wish(exchange="e"), (bound(),), False),
        ("headers", Wish(exchange="e", headers={"a": 1}), (bound(a=1),), False),
        ("headers", Wish(exchange="e", headers={"a": 1}), (bound(**{"x-match": "any"}),), True),
    ],
)
def test_a_warning_comes_only_if_a_message_may_take_another_way(
    kind: str, wish: Wish, bindings: tuple[Binding, ...], warns: bool
) -> None:
    found = plan(wish, Exchange(name="e", type=kind), *bindings)

    assert [each.startswith("warning: ") for each in found.remarks] == [True] * warns


def test_a_direct_exchange_without_a_key_says_that_others_are_not_seen() -> None:
    found = plan(Wish(exchange="e"), Exchange(name="e"), bound("a"), bound("b"))

    [remark] = found.remarks
    assert remark == (
        "exchange e is of type direct: the tap has the 2 routing keys of its bindings, and sees no message with "
        "another one"
    )
    assert found.name == "exchange e is tapped with 2 routing keys"


@pytest.mark.parametrize(
    "wish", [Wish(exchange="e", key="k", only_routed=True), Wish(exchange="e", headers={"a": 1}, only_routed=True)]
)
def test_what_others_get_is_chosen_by_their_bindings_alone(wish: Wish) -> None:
    kind = "headers" if wish.headers else "topic"

    with pytest.raises(InvalidInput):
        plan(wish, Exchange(name="e", type=kind), bound("#"))


def test_a_binding_to_an_exchange_is_taken_over_as_one_to_the_queue_of_the_tap() -> None:
    to_exchange = Binding(source="e", destination="f", destination_type="exchange", routing_key="k")

    found = plan(Wish(exchange="e", only_routed=True), Exchange(name="e", type="topic"), to_exchange)

    assert found.bindings == (Binding(source="e", destination="tap", routing_key="k"),)


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        ("direct", "give a routing key to wait for: attune-infra tap 'my e' KEY"),
        ("fanout", "leave out --only-routed to see messages that are lost, or that an alternate exchange takes"),
    ],
)
def test_an_exchange_without_bindings_has_a_hint(kind: str, hint: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        plan(Wish(exchange="my e", only_routed=True), Exchange(name="my e", type=kind))

    assert caught.value.hint == hint
