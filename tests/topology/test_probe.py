"""The copy of a topology that a probe makes, and the checks of what arrives there."""

from __future__ import annotations

import pytest

from attune_infra.topology.builtin import attune
from attune_infra.topology.model import Binding, Exchange, Message, Policy, Queue, Route, Topology
from attune_infra.topology.probe import Arrival, checks_of, mirror
from attune_infra.topology.verify import Verdict

PUBLISH = Message(exchange="e", routing_key="k")


def test_the_copy_routes_alike_and_loses_nothing() -> None:
    want = Topology.of(
        [
            Exchange(name="e", external=True),
            Queue(name="q", type="quorum", durable=True, arguments={"x-message-ttl": 5, "x-max-length": 1}),
            Binding(source="e", destination="q", routing_key="k"),
            Policy(name="all", pattern="^e", definition={"alternate-exchange": "amq.fanout"}, apply_to="all"),
            Policy(name="of queues", pattern="^q", definition={"max-length": 5}, apply_to="queues"),
            Policy(name="of exchanges", pattern="^e", definition={}, apply_to="exchanges"),
        ]
    )

    copy = mirror(want)

    assert copy.exchanges == {"e": Exchange(name="e")}
    assert copy.queues == {"q": Queue(name="q", type="classic")}
    assert copy.queues["q"].arguments == {}
    assert copy.bindings == want.bindings
    assert {name: policy.apply_to for name, policy in copy.policies.items()} == {
        "all": "exchanges",
        "of exchanges": "exchanges",
    }


def test_the_copy_has_the_workers_that_its_routes_name() -> None:
    route = Route(
        publish=Message(exchange="attune.executions", routing_key="worker.7"), reaches=("worker.7.executions",)
    )
    want = attune()

    assert (
        "worker.7.executions" in mirror(Topology.of(want.objects(), workers=want.workers, routes=(route,))).queues
    )
    assert "worker.7.executions" not in mirror(want).queues


@pytest.mark.parametrize(
    ("reaches", "arrival", "verdict", "detail"),
    [
        (("q",), Arrival(("q",)), Verdict.PASSED, "arrived in q"),
        ((), Arrival(()), Verdict.PASSED, "arrived in no queue"),
        ((), Arrival((), refused="no such exchange"), Verdict.PASSED, "arrived in no queue"),
        (("q",), Arrival(()), Verdict.FAILED, "did not arrive in queue q"),
        (("q",), Arrival(("r",)), Verdict.FAILED, "did not arrive in queue q; also arrived in queue r"),
        (
            ("q",),
            Arrival((), refused="no such exchange"),
            Verdict.FAILED,
            "publishes a message that RabbitMQ refuses: no such exchange",
        ),
    ],
)
def test_each_route_is_compared_with_what_arrived(
    reaches: tuple[str, ...], arrival: Arrival, verdict: Verdict, detail: str
) -> None:
    want = Topology.of([Queue(name="q"), Queue(name="r")], routes=(Route(publish=PUBLISH, reaches=reaches),))

    [check] = checks_of(want, [arrival])

    assert (check.verdict, check.detail) == (verdict, detail)
    assert check.name.startswith("probed ")
