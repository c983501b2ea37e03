"""The story of a message; test_trace_on_broker.py shows that RabbitMQ agrees."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attune_infra.errors import ExitCode
from attune_infra.topology.builtin import attune
from attune_infra.topology.document.parse import parse
from attune_infra.topology.facts.releases import Version
from attune_infra.topology.model import Argument, Arguments, Binding, Message, Policy, Queue, Topology
from attune_infra.topology.routing.route import Routing
from attune_infra.topology.routing.trace import Cause, Death, Ending, Reason, Trace, trace
from attune_infra.topology.worker import with_workers
from support.folders import EXAMPLES

SEPTEMBER = EXAMPLES / "attune-2026-09.yaml"


def story(topology: Topology, routing_key: str, version: Version = (4, 3)) -> Trace:
    """The story of a message that is published to the default exchange."""
    return trace(Routing(topology, version=version), Message(exchange="", routing_key=routing_key))


def dying(name: str, exchange: str | None = None, key: str | None = None, **arguments: Argument) -> Queue:
    """A queue with a dead letter exchange."""
    given: dict[str, Argument] = {f"x-{name.replace('_', '-')}": value for name, value in arguments.items()}
    if exchange is not None:
        given["x-dead-letter-exchange"] = exchange
    if key is not None:
        given["x-dead-letter-routing-key"] = key
    return Queue(name=name, arguments=given)


def deaths(topology: Topology, name: str) -> tuple[Death, ...]:
    return story(topology, name).lives[0].deaths


def test_a_message_to_a_worker_of_attune_is_delivered_and_is_not_lost_by_being_discarded() -> None:
    routing = Routing(with_workers(attune(), (1,)))

    found = trace(routing, Message(exchange="attune.executions", routing_key="worker.1"))

    assert found.routed.queues == ("worker.1.executions",)
    assert found.lives[0].deaths == (Death(causes=(Cause(Reason.REJECTED),), ending=Ending.DISCARDED),)
    assert found.exit_code is ExitCode.DONE


def test_dead_letters_of_attune_lead_to_their_queue_where_they_expire() -> None:
    found = trace(Routing(attune()), Message(exchange="attune.events", routing_key="event.created"))

    assert [life.queue.name for life in found.lives] == ["attune.events.queue", "attune.dlx.queue"]
    [rejected], [discarded] = (life.deaths for life in found.lives)
    assert (rejected.ending, rejected.exchange, rejected.lives) == (Ending.GOES_ON, "attune.dlx", (1,))
    assert [cause.reason for cause in discarded.causes] == [Reason.REJECTED, Reason.EXPIRED]
    assert discarded.ending is Ending.DISCARDED
    assert found.exit_code is ExitCode.DONE


@pytest.mark.parametrize(
    ("kind", "arguments", "version", "causes"),
    [
        ("classic", {}, (4, 3), []),
        ("classic", {"x-message-ttl": 0}, (4, 3), [Cause(Reason.EXPIRED, "x-message-ttl", 0)]),
        ("classic", {"x-max-length": 0}, (4, 3), [Cause(Reason.MAXLEN, "x-max-length", 0)]),
        ("classic", {"x-max-length-bytes": 9}, (4, 3), [Cause(Reason.MAXLEN, "x-max-length-bytes", 9)]),
        ("classic", {"x-max-length": 1, "x-overflow": "reject-publish"}, (4, 3), []),
        (
            "classic",
            {"x-max-length": 1, "x-overflow": "reject-publish-dlx"},
            (4, 3),
            [Cause(Reason.MAXLEN, "x-max-length", 1)],
        ),
        ("quorum", {}, (3, 10), []),
        ("quorum", {}, (4, 0), [Cause(Reason.DELIVERY_LIMIT, "x-delivery-limit", 20)]),
        ("quorum", {"x-delivery-limit": 5}, (3, 10), [Cause(Reason.DELIVERY_LIMIT, "x-delivery-limit", 5)]),
        ("quorum", {"x-delivery-limit": -1}, (4, 3), []),
    ],
)
def test_only_those_causes_are_told_that_can_occur(
    kind: str, arguments: Arguments, version: Version, causes: list[Cause]
) -> None:
    topology = Topology.of([Queue(name="q", type=kind, arguments=arguments)])

    [death] = story(topology, "q", version).lives[0].deaths

    assert death.causes == (Cause(Reason.REJECTED), *causes)


def test_a_stream_keeps_what_it_is_given() -> None:
    assert deaths(Topology.of([Queue(name="q", type="stream")]), "q") == ()


def test_policies_and_operator_policies_count_too() -> None:
    policy = Policy(name="p", pattern="q", definition={"dead-letter-exchange": "amq.fanout", "message-ttl": 9})
    limit = Policy(name="o", pattern="q", definition={"message-ttl": 5})
    topology = Topology.of(
        [Queue(name="q"), policy, Queue(name="r"), Binding(source="amq.fanout", destination="r")]
    )

    [death] = deaths(replace(topology, operator_policies={"o": limit}), "q")

    assert death.causes == (Cause(Reason.REJECTED), Cause(Reason.EXPIRED, "x-message-ttl", 5))
    assert (death.exchange, death.ending) == ("amq.fanout", Ending.GOES_ON)


def test_a_dead_letter_exchange_that_is_missing_or_leads_nowhere_loses_messages() -> None:
    missing, leading_nowhere = dying("q", "missing"), dying("r", "amq.direct")

    [first], [second] = (deaths(Topology.of([queue]), queue.name) for queue in (missing, leading_nowhere))

    assert (first.ending, second.ending) == (Ending.NO_EXCHANGE, Ending.NO_QUEUE)
    assert story(Topology.of([missing]), "q").exit_code is ExitCode.DRIFT


def test_what_is_dead_lettered_at_least_once_without_a_way_is_stuck() -> None:
    arguments: Arguments = {
        "x-dead-letter-exchange": "missing",
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    topology = Topology.of([Queue(name="q", type="quorum", arguments=arguments)])

    [death] = deaths(topology, "q")

    assert (death.ending, death.is_loss) == (Ending.KEPT, False)
    assert [life.queue.name for life in story(topology, "q").stuck()] == ["q"]
    assert story(topology, "q").exit_code is ExitCode.DRIFT


def test_a_dead_letter_keeps_its_keys_or_gets_that_of_the_queue() -> None:
    topology = Topology.of(
        [
            dying("keeps", "amq.direct"),
            dying("changes", "amq.direct", "other"),
            *(Queue(name=name) for name in ("own", "cc", "other")),
            *(Binding(source="amq.direct", destination=name, routing_key=name) for name in ("own", "cc", "other")),
            Binding(source="amq.fanout", destination="keeps"),
            Binding(source="amq.topic", destination="changes", routing_key="#"),
        ]
    )

    def reached(exchange: str) -> list[str]:
        message = Message(exchange=exchange, routing_key="own", headers={"CC": ["cc"]})
        return [life.queue.name for life in trace(Routing(topology), message).lives[1:]]

    assert reached("amq.fanout") == ["cc", "own"]
    assert reached("amq.topic") == ["other"]


def test_a_message_that_goes_round_without_being_rejected_is_dropped() -> None:
    [death] = deaths(Topology.of([dying("q", "", "q", message_ttl=5)]), "q")

    assert (death.rounds, death.dropped, death.lives) == (("q",), ("q",), (0,))
    assert death.is_loss


def test_a_retry_through_a_rejection_goes_round_for_as_long_as_it_is_rejected() -> None:
    topology = Topology.of([dying("work", "", "wait"), dying("wait", "", "work", message_ttl=5)])

    work, wait = story(topology, "work").lives

    assert [death.rounds for death in (*work.deaths, *wait.deaths)] == [("wait",), ("work",)]
    assert [death.dropped for death in (*work.deaths, *wait.deaths)] == [(), ()]
    assert story(topology, "work").exit_code is ExitCode.DONE


@pytest.mark.parametrize(("version", "dropped"), [((3, 10), ()), ((4, 0), ("work",)), ((4, 3), ("work",))])
def test_a_retry_that_the_delivery_limit_begins_loses_the_message(
    version: Version, dropped: tuple[str, ...]
) -> None:
    work = replace(dying("work", "", "wait"), type="quorum")
    topology = Topology.of([work, dying("wait", "", "work", message_ttl=5)])

    [death] = story(topology, "work", version).lives[1].deaths

    assert death.dropped == dropped


def test_a_headers_exchange_sees_why_a_message_died() -> None:
    topology = Topology.of(
        [
            dying("q", "amq.headers", message_ttl=5),
            Queue(name="expired"),
            Binding(
                source="amq.headers",
                destination="expired",
                arguments={"x-match": "all-with-x", "x-first-death-reason": "expired"},
            ),
        ]
    )

    rejected, expired = deaths(topology, "q")

    assert (rejected.causes[0].reason, rejected.ending) == (Reason.REJECTED, Ending.NO_QUEUE)
    assert (expired.causes[0].reason, expired.ending) == (Reason.EXPIRED, Ending.GOES_ON)


def test_what_a_publisher_says_of_a_first_death_is_forgotten_at_the_first_one() -> None:
    topology = Topology.of(
        [
            dying("q", "amq.headers"),
            Queue(name="expired"),
            Binding(
                source="amq.headers",
                destination="expired",
                arguments={"x-match": "all-with-x", "x-first-death-reason": "expired"},
            ),
        ]
    )
    message = Message(exchange="", routing_key="q", headers={"x-first-death-reason": "expired"})

    [death] = trace(Routing(topology), message).lives[0].deaths

    assert death.ending is Ending.NO_QUEUE


def test_a_long_chain_of_dead_letters_is_followed_to_its_end() -> None:
    chain = [dying(f"q{number}", "", f"q{number + 1}") for number in range(3000)]

    assert len(story(Topology.of([*chain, Queue(name="q3000")]), "q0").lives) == 3001


def test_what_is_expected_is_exact() -> None:
    topology = Topology.of([Queue(name="q"), Binding(source="amq.fanout", destination="q")])

    def code(exchange: str, *expected: str) -> ExitCode:
        return trace(Routing(topology), Message(exchange=exchange), expected=expected).exit_code

    assert code("amq.fanout", "q") is ExitCode.DONE
    assert code("amq.fanout", "q", "r") is ExitCode.DRIFT
    assert code("amq.fanout") is ExitCode.DRIFT
    assert code("amq.topic") is ExitCode.DONE


@pytest.mark.parametrize(
    ("exchange", "key", "lost"),
    [
        ("attune.events", "event.created", ["attune.events.queue", "attune.executor.events.queue"]),
        ("attune.executions", "execution.dispatch.worker.1", ["worker.1.executions"]),
        ("attune.executions", "inquiry.created", None),
        ("attune.metadata", "metadata.trigger.changed", None),
        ("attune.notifications", "", None),
    ],
)
def test_the_routing_defects_of_september_are_found(exchange: str, key: str, lost: list[str] | None) -> None:
    september = with_workers(parse(SEPTEMBER.read_text(encoding="utf-8"), source=SEPTEMBER.name), (1,))

    found = trace(Routing(september), Message(exchange=exchange, routing_key=key))

    assert found.exit_code is ExitCode.DRIFT
    assert found.is_unroutable == (lost is None)
    assert [life.queue.name for life, _ in found.losses()] == (lost or [])


def test_nothing_false_is_found_on_the_built_in_topology() -> None:
    routing = Routing(with_workers(attune(), (1,)))

    for binding in routing.topology.bindings:
        found = trace(routing, Message(exchange=binding.source, routing_key=binding.routing_key))
        assert found.exit_code is ExitCode.DONE, binding


def test_explained_is_every_binding_that_does_not_match_also_of_dead_letters() -> None:
    topology = Topology.of(
        [
            dying("q", "amq.direct"),
            Queue(name="r"),
            Binding(source="amq.topic", destination="q", routing_key="#"),
            Binding(source="amq.topic", destination="r", routing_key="b"),
            Binding(source="amq.direct", destination="r", routing_key="c"),
        ]
    )

    found = trace(Routing(topology), Message(exchange="amq.topic", routing_key="a"), explain=True)

    assert [(each.binding.source, each.why) for each in found.unmatched or ()] == [
        ("amq.topic", "word 1 of 'b' is 'b', not 'a'"),
        ("amq.direct", "'c' is not 'a'"),
    ]


DELAYED = """
exchanges:
  delayed: {type: x-delayed-message, arguments: {x-delayed-type: direct, alternate-exchange: lost}}
  lost: {type: fanout}
queues:
  a: {bindings: [{exchange: delayed, routing_key: ka}]}
  b: {bindings: [{exchange: delayed, routing_key: kb}]}
  u: {bindings: [{exchange: lost}]}
"""


@pytest.mark.parametrize(("key", "queue"), [("ka", "a"), ("kb", "b"), ("kx", "u")])
def test_a_delayed_message_exchange_routes_as_its_type(key: str, queue: str) -> None:
    routed = Routing(parse(DELAYED, source="x.yaml")).publish(Message(exchange="delayed", routing_key=key))

    assert (routed.queues, routed.possible) == ((queue,), ())


SUPER_STREAM = """
exchanges: {invoices: {type: direct, arguments: {x-super-stream: true}}}
queues:
  invoices-0:
    type: stream
    bindings: [{exchange: invoices, routing_key: '0', arguments: {x-stream-partition-order: 0}}]
  invoices-1:
    type: stream
    bindings: [{exchange: invoices, routing_key: '1', arguments: {x-stream-partition-order: 1}}]
"""


def test_a_message_to_a_super_stream_goes_to_the_partition_of_its_key() -> None:
    found = trace(Routing(parse(SUPER_STREAM, source="x.yaml")), Message(exchange="invoices", routing_key="1"))

    assert (found.routed.queues, found.exit_code) == (("invoices-1",), ExitCode.DONE)
