"""The story of a message, as people read it."""

from __future__ import annotations

from attune_infra.render.pages import trace as page
from attune_infra.render.text import escape_lines
from attune_infra.topology.model import Binding, Exchange, Message, Queue, Topology
from attune_infra.topology.routing.route import Routing
from attune_infra.topology.routing.trace import trace

RETRIED = Topology.of(
    [
        Exchange(name="jobs", type="topic", arguments={"alternate-exchange": "unrouted"}),
        Exchange(name="more", type="fanout"),
        Exchange(name="unrouted", type="fanout"),
        Queue(
            name="work",
            type="quorum",
            arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "wait"},
        ),
        Queue(
            name="wait",
            arguments={
                "x-message-ttl": 5000,
                "x-dead-letter-exchange": "jobs",
                "x-dead-letter-routing-key": "job.new",
            },
        ),
        Queue(name="log", arguments={"x-dead-letter-exchange": "gone"}),
        Binding(source="jobs", destination="work", routing_key="job.new"),
        Binding(source="jobs", destination="more", destination_type="exchange", routing_key="job.#"),
        Binding(source="more", destination="log"),
        Binding(source="more", destination="jobs", destination_type="exchange"),
        Binding(source="unrouted", destination="log"),
    ]
)


def told(exchange: str, routing_key: str = "", topology: Topology = RETRIED) -> list[str]:
    story = trace(Routing(topology), Message(exchange=exchange, routing_key=routing_key))
    return [line.text for line in escape_lines(page.lines(story))]


def test_a_message_is_followed_as_a_tree_and_nothing_is_told_twice() -> None:
    assert (
        "\n".join(told("jobs", "job.new"))
        == """\
  exchange jobs (topic), routing key job.new
  ├─ exchange more (fanout): pattern 'job.#' matches 'job.new'
  │  ├─ exchange jobs (topic): a fanout exchange matches every message (visited only once)
  │  └─ queue log: a fanout exchange matches every message
! │     └─ rejected: dead letter exchange gone is missing: lost
  └─ queue work: the routing key is 'job.new'
     └─ rejected, delivery_limit (x-delivery-limit 20): dead letter to the default exchange, routing key wait
        └─ queue wait: the default exchange routes by the name of the queue
           └─ rejected, expired (x-message-ttl 5000): dead letter to exchange jobs (topic), routing key job.new
              ├─ exchange more (fanout): pattern 'job.#' matches 'job.new'
              │  ├─ exchange jobs (topic): a fanout exchange matches every message (visited only once)
              │  └─ queue log: a fanout exchange matches every message (shown elsewhere)
!             └─ queue work: the routing key is 'job.new'; returns here, dropped unless it was rejected on the way
reaches 2 queues: log, work
! can be lost on a way out of 3 queues: log, wait, work"""
    )


def test_an_alternate_exchange_is_told_with_the_reason() -> None:
    assert told("jobs", "other")[:3] == [
        "  exchange jobs (topic), routing key other",
        "  └─ exchange unrouted (fanout): its alternate exchange, no binding matches",
        "     └─ queue log: a fanout exchange matches every message",
    ]


def test_what_a_plugin_decides_carries_a_sign_of_its_own() -> None:
    topology = Topology.of(
        [
            Exchange(name="e", type="x-consistent-hash"),
            Queue(name="q"),
            Queue(name="r"),
            Binding(source="e", destination="q", routing_key="1"),
            Binding(source="e", destination="r", routing_key="1"),
        ]
    )

    assert told("e", topology=topology) == [
        "  exchange e (x-consistent-hash), empty routing key",
        "? ├─ queue q: one of the bound queues is chosen by the hash of the routing key",
        "  │  └─ rejected: discarded, no dead letter exchange",
        "? └─ queue r: one of the bound queues is chosen by the hash of the routing key",
        "     └─ rejected: discarded, no dead letter exchange",
        "? reaches exactly one of 2 queues: q, r",
    ]


def test_a_local_random_exchange_looks_at_the_node_and_not_at_the_message() -> None:
    topology = Topology.of(
        [
            Exchange(name="e", type="x-local-random"),
            Queue(name="q"),
            Binding(source="e", destination="q"),
        ]
    )

    assert told("e", topology=topology)[-1] == "? may reach 1 queue: q: that depends on the publisher's node"


def test_a_plugin_that_nobody_knows_may_do_anything() -> None:
    topology = Topology.of(
        [
            Exchange(name="e", type="x-unheard-of"),
            Queue(name="q"),
            Binding(source="e", destination="q"),
        ]
    )

    assert told("e", topology=topology)[-1] == "? may reach 1 queue: q: that depends on the message"


def test_a_message_that_is_refused_says_why() -> None:
    assert told("job") == [
        "! RabbitMQ refuses it: there is no exchange 'job'; did you mean 'jobs'?",
        "! reaches no queue",
    ]


def test_deep_stories_are_drawn_too() -> None:
    chain = [
        Queue(
            name=f"q{number}",
            arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": f"q{number + 1}"},
        )
        for number in range(500)
    ]

    assert len(told("", "q0", Topology.of([*chain, Queue(name="q500")]))) > 1000
