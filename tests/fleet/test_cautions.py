"""The dangers of a worker's queues that it names when it starts."""

from __future__ import annotations

import pytest

from attune_infra.fleet.cautions import cautions_about, leads_nowhere, warn_of_hold
from attune_infra.topology.document.parse import parse
from attune_infra.topology.model import Queue, Topology

DEAD = {"x-dead-letter-exchange": "dead"}
CLASSIC = Queue(name="q")
QUORUM = Queue(name="q", type="quorum")


def cautions(
    queue: Queue, *, version: str = "4.3.6", nowhere: tuple[str, ...] = (), max_attempts: int | None = None
) -> list[str]:
    return list(cautions_about([queue], version=version, nowhere=nowhere, max_attempts=max_attempts))


def test_a_dead_letter_exchange_that_leads_nowhere_is_named() -> None:
    assert cautions(Queue(name="q", arguments=DEAD), nowhere=("q",)) == [
        "RabbitMQ drops the messages that are rejected in queue q: its dead letter exchange dead leads to no queue"
    ]


@pytest.mark.parametrize(
    ("queue", "version", "max_attempts", "deliveries"),
    [
        (QUORUM, "4.0.5", None, 21),
        (QUORUM, "4.0.5", 21, 21),
        (QUORUM, "4.0.5", 20, None),
        (QUORUM, "3.10.8", None, None),
        (Queue(name="q", type="quorum", arguments={"x-delivery-limit": 5}), "3.10.8", None, 6),
        (Queue(name="q", type="quorum", arguments={"x-delivery-limit": 0}), "4.0.5", None, 1),
        (Queue(name="q", type="quorum", arguments={"x-delivery-limit": -1}), "4.0.5", None, None),
        (Queue(name="q", type="quorum", arguments=DEAD), "4.0.5", None, None),
        (CLASSIC, "4.0.5", None, None),
    ],
)
def test_a_delivery_limit_that_drops_messages_is_named(
    queue: Queue, version: str, max_attempts: int | None, deliveries: int | None
) -> None:
    found = cautions(queue, version=version, max_attempts=max_attempts)

    assert [f"after {deliveries} deliveries without success" in each for each in found] == [True] * bool(
        deliveries
    )


@pytest.mark.parametrize(
    ("queue", "max_attempts", "is_told"),
    [
        (CLASSIC, 3, True),
        (CLASSIC, 1, False),
        (CLASSIC, None, False),
        (Queue(name="q", durable=False, auto_delete=True), 3, False),  # it does not outlive the worker's memory
        (QUORUM, 3, False),
    ],
)
def test_a_queue_without_a_count_is_named(queue: Queue, max_attempts: int | None, *, is_told: bool) -> None:
    found = cautions(queue, version="3.10.8", max_attempts=max_attempts)

    assert [each.startswith("RabbitMQ counts no deliveries of queue q") for each in found] == [True] * is_told


def test_a_hold_beyond_the_consumer_timeout_is_named() -> None:
    assert warn_of_hold(1799) is None
    assert "after its consumer_timeout, 1800 s unless" in (warn_of_hold(3000) or "")


@pytest.mark.parametrize(
    ("bindings", "goes_nowhere"), [("[{exchange: dead, routing_key: k}]", False), ("[]", True)]
)
def test_the_topology_tells_where_dead_letters_go(bindings: str, *, goes_nowhere: bool) -> None:
    topology = topology_with(bindings)

    assert leads_nowhere(topology, topology.queues["q"], "k") == goes_nowhere


def topology_with(bindings: str) -> Topology:
    return parse(
        f"""
        exchanges: {{dead: {{type: direct}}}}
        queues:
          q: {{arguments: {{x-dead-letter-exchange: dead}}}}
          morgue: {{bindings: {bindings}}}
        """,
        source="t.yaml",
    )
