"""Routes, run on a document and on what a broker holds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attune_infra.topology.builtin import attune
from attune_infra.topology.model import Binding, Exchange, Message, Queue, Route, Topology
from attune_infra.topology.routing.route import Routing
from attune_infra.topology.routing.routes import RouteResult, describe_message, run_routes, run_routes_on
from attune_infra.topology.worker import with_workers

WORKER_1 = Binding(source="attune.executions", destination="worker.1.executions", routing_key="worker.1")

NOT_B = "word 1 of 'b' is 'b', not 'a'"


def problems(*results: RouteResult) -> list[str]:
    return [problem for result in results for problem in result.problems]


def wanted(route: Route, *bindings: Binding, kind: str = "topic") -> Topology:
    return Topology.of(
        [Exchange(name="e", type=kind), Queue(name="q"), Queue(name="r"), *bindings], routes=(route,)
    )


def on(have: Topology, *, provisioned: int | None = None, want: Topology | None = None) -> list[str]:
    ids = frozenset(() if provisioned is None else (provisioned,))
    return problems(*run_routes_on(Routing(have, version=(4, 3)), want or attune(), provisioned=ids))


def test_the_routes_of_attune_hold_on_itself_and_on_what_is_as_wanted() -> None:
    assert problems(*run_routes(attune())) == []
    assert on(attune()) == []
    assert on(with_workers(attune(), (1, 2)), provisioned=1) == []


@pytest.mark.parametrize(
    ("bindings", "reaches", "found"),
    [
        ([], ("q",), ["does not reach queue q: no binding e -> q matches"]),
        (
            [Binding(source="e", destination="q", routing_key="b")],
            ("q",),
            ["does not reach queue q: binding e -> q with routing key b does not match: " + NOT_B],
        ),
        (
            [Binding(source="e", destination="q", routing_key="#")],
            (),
            ["also reaches queue q: binding e -> q with routing key # matches: pattern '#' matches 'a'"],
        ),
        ([Binding(source="e", destination="q", routing_key="a")], ("q",), []),
        ([], (), []),
    ],
)
def test_a_broken_route_names_what_is_missing_or_too_much(
    bindings: list[Binding], reaches: tuple[str, ...], found: list[str]
) -> None:
    route = Route(publish=Message(exchange="e", routing_key="a"), reaches=reaches)

    assert problems(*run_routes(wanted(route, *bindings))) == found


def test_a_message_that_rabbitmq_refuses_breaks_its_route() -> None:
    route = Route(publish=Message(exchange="e", headers={"CC": "a"}), reaches=("q",))

    assert problems(*run_routes(wanted(route))) == [
        "publishes a message that RabbitMQ refuses: header CC must be an array of strings"
    ]


def test_on_a_broker_the_wanted_binding_that_is_missing_is_named_however_far_on_it_is() -> None:
    inner = Binding(source="e", destination="amq.fanout", destination_type="exchange", routing_key="#")
    outer = Binding(source="amq.fanout", destination="q")
    route = Route(publish=Message(exchange="e", routing_key="a"), reaches=("q",))
    want = wanted(route, inner, outer)

    without_inner, without_outer = (replace(want, bindings=want.bindings - {gone}) for gone in (inner, outer))

    assert on(want, want=want) == []
    assert on(without_inner, want=want) == [
        "does not reach queue q: binding e -> amq.fanout with routing key # is missing"
    ]
    assert on(without_outer, want=want) == ["does not reach queue q: binding amq.fanout -> q is missing"]


def test_a_worker_is_taken_to_be_there_unless_it_is_or_has_to_be() -> None:
    broken = with_workers(attune(), (1,))
    broken = replace(broken, bindings=broken.bindings - {WORKER_1})
    missing = f"does not reach queue worker.1.executions: binding {WORKER_1.source} -> {WORKER_1.destination}"

    assert on(attune()) == []
    assert on(broken) == [f"{missing} with routing key worker.1 is missing"]
    assert on(attune(), provisioned=1) == ["does not reach queue worker.1.executions: the queue is missing"]


def test_what_nobody_declared_and_what_other_workers_own_is_not_looked_at() -> None:
    every = Binding(source="attune.executions", destination="worker.2.executions", routing_key="worker.1")
    debugging = Binding(source="attune.events", destination="debug", routing_key="#")
    have = with_workers(attune(), (1, 2))
    have = replace(
        have,
        queues={**have.queues, "debug": Queue(name="debug")},
        bindings=have.bindings | {every, debugging},
    )

    assert on(have) == []


def test_what_a_plugin_decides_may_be_either_way() -> None:
    bindings = [Binding(source="e", destination=queue, routing_key="1") for queue in ("q", "r")]

    for reaches in ((), ("q",), ("r",), ("q", "r")):
        route = Route(publish=Message(exchange="e", routing_key="a"), reaches=reaches)
        assert problems(*run_routes(wanted(route, *bindings, kind="x-consistent-hash"))) == []


def test_what_does_not_reach_a_queue_whose_node_is_down_says_so() -> None:
    """RabbitMQ 3.10 lists such a queue, but not its bindings."""
    have = attune()
    lost = replace(have.queues["attune.executions.queue"], state="down")
    bindings = frozenset(each for each in have.bindings if each.destination != lost.name)

    found = on(replace(have, queues={**have.queues, lost.name: lost}, bindings=bindings))

    assert found == [f"does not reach queue {lost.name}: the state of the queue is down"]


def test_a_binding_without_a_routing_key_is_called_by_its_arguments() -> None:
    route = Route(publish=Message(exchange="e", headers={"n": "5"}), reaches=("q",))
    binding = Binding(source="e", destination="q", arguments={"n": 5})

    assert problems(*run_routes(wanted(route, binding, kind="headers"))) == [
        (
            "does not reach queue q: binding e -> q with arguments {'n': 5} does not match:"
            " header n is '5' (string), not 5 (integer)"
        )
    ]


def test_a_message_is_described_by_all_that_routes_it() -> None:
    assert describe_message(Message(exchange="")) == "amq.default"
    assert describe_message(Message(exchange="e", routing_key="k")) == "e with routing key k"
    assert describe_message(Message(exchange="e", routing_key="k", headers={"a": 1})) == (
        "e with routing key k and headers {'a': 1}"
    )
