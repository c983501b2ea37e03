"""Plans applied to a real broker: losses, deletions, and runs that overlap."""

from __future__ import annotations

from dataclasses import replace

import amqp
import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.operations.setup import apply_plan, count_contents, make_plan, setup
from attune_infra.topology.diff import Create, diff, undeclared
from attune_infra.topology.model import Binding, Exchange, Policy, Queue, Topology, TopologyObject
from attune_infra.topology.planning.consent import TO_ALL, TO_NOTHING
from attune_infra.topology.planning.plan import Plan
from attune_infra.topology.planning.report import Loss, Outcome, Report, Status
from support.eventually import eventually
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost

WANT = Topology.of(
    [
        Exchange(name="mine.e", type="topic"),
        Queue(name="mine.q", type="classic", arguments={"x-message-ttl": 60_000}),
        Binding(source="mine.e", destination="mine.q", routing_key="a.#"),
        Binding(source="mine.e", destination="mine.q", routing_key="b"),
    ],
    manages=(r"mine\..*",),
)


def make(broker: RabbitMQ, *items: TopologyObject) -> None:
    assert {outcome.status for outcome in broker.apply([Create(item) for item in items])} <= {Status.CREATED}


def publish(channel: amqp.Channel, queue: str, count: int = 1) -> None:
    channel.confirm_select()
    for _ in range(count):
        channel.basic_publish_confirm(amqp.Message("x"), "", queue, mandatory=True)


def run(broker: RabbitMQ, want: Topology, *, prune: bool = False, destroy: bool = False) -> Report:
    return apply_plan(
        Plan.between(broker.read(), want, prune=prune), broker, want, consent=TO_ALL if destroy else TO_NOTHING
    )


def outcome_of(report: Report, name: str) -> Outcome:
    [outcome] = [outcome for outcome in report.outcomes if getattr(outcome.object, "name", None) == name]
    return outcome


def test_setup_leaves_nothing_to_do(broker: RabbitMQ) -> None:
    assert set(setup(broker, WANT).counts()) == {Status.CREATED}
    assert Plan.between(broker.read(), WANT).changes == ()
    assert set(setup(broker, WANT).counts()) == {Status.UNCHANGED}


def test_a_loss_is_counted_without_losing_anything(broker: RabbitMQ, channel: amqp.Channel) -> None:
    make(broker, Exchange(name="mine.e", type="topic"), Queue(name="mine.q"), *WANT.bindings)
    make(broker, Binding(source="mine.e", destination="mine.q", routing_key="extra"))
    publish(channel, "mine.q", 3)
    channel.basic_qos(0, 1, a_global=False)
    channel.basic_consume("mine.q", callback=lambda _: None)

    report = run(broker, WANT)

    outcome = outcome_of(report, "mine.q")
    assert (outcome.status, outcome.loss) == (Status.DIFFERS, Loss(messages=3, consumers=1, bindings=1))
    assert outcome.instead == Policy(
        name="mine.q", pattern=r"^mine\.q$", apply_to="queues", definition={"message-ttl": 60_000}
    )
    assert report.exit_code == 4
    assert broker.contents("mine.q") == (3, 1)


def test_the_contents_of_many_queues_are_counted_at_once(
    broker: RabbitMQ, channel: amqp.Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(broker, *(Queue(name=f"q{number}", type="classic") for number in range(3)))
    publish(channel, "q1", 2)
    want = Topology.of([Queue(name=f"q{number}", arguments={"x-max-length": 5}) for number in range(3)])
    plan = Plan.between(broker.read(), want)

    one_by_one = count_contents(plan, broker)
    monkeypatch.setattr("attune_infra.operations.setup.MAX_QUEUES_COUNTED", 2)
    at_once = count_contents(plan, broker)

    assert one_by_one.contents == at_once.contents == {"q0": (0, 0), "q1": (2, 0), "q2": (0, 0)}


def test_the_proposed_policy_ends_the_difference(broker: RabbitMQ) -> None:
    make(broker, Exchange(name="mine.e", type="topic"), Queue(name="mine.q"), *WANT.bindings)
    instead = outcome_of(run(broker, WANT), "mine.q").instead
    assert instead is not None

    make(broker, instead)

    assert diff(broker.read(), WANT) == ()


def test_a_recreated_object_gets_its_bindings_back(broker: RabbitMQ, channel: amqp.Channel) -> None:
    make(broker, Exchange(name="mine.e", type="direct"), Queue(name="mine.q"), *WANT.bindings)
    publish(channel, "mine.q", 2)

    report = run(broker, WANT, destroy=True)

    assert outcome_of(report, "mine.e").status is Status.RECREATED
    assert outcome_of(report, "mine.q").status is Status.RECREATED
    assert outcome_of(report, "mine.q").loss == Loss(messages=2, consumers=0, bindings=0)
    assert report.exit_code == 0
    assert diff(broker.read(), WANT) == ()
    assert undeclared(broker.read(), WANT) == ()


def make_used_objects(broker: RabbitMQ, channel: amqp.Channel) -> None:
    """Make queues that hold a message or have a consumer, and an exchange that is bound to a foreign queue."""
    make(broker, *(Queue(name=name, type="classic") for name in ("mine.full", "mine.held", "mine.used")))
    make(broker, Queue(name="mine.full quorum", type="quorum"), Queue(name="foreign"))
    make(broker, Exchange(name="mine.source"), Binding(source="mine.source", destination="foreign"))
    for queue in ("mine.full", "mine.full quorum", "mine.held"):
        publish(channel, queue)
    channel.basic_get("mine.held")
    channel.basic_consume("mine.used")
    eventually(lambda: broker.contents("mine.full quorum"), lambda found: found == (1, 0))


def test_pruning_deletes_only_unused_objects_that_the_document_manages(
    broker: RabbitMQ, channel: amqp.Channel, vhost: VirtualHost
) -> None:
    setup(broker, WANT)
    gone: list[TopologyObject] = [
        Exchange(name="mine.old"),
        Queue(name="mine.empty", type="classic"),
        Queue(name="mine.quorum", type="quorum"),
        Binding(source="mine.e", destination="mine.empty", routing_key="x"),
        Binding(source="mine.e", destination="mine.q", routing_key="old", arguments={"n": 1, "s": "x"}),
        Policy(name="mine.policy", pattern="^never$", definition={"expires": 1000}),
    ]
    kept = {
        "mine.full": "it holds 1 message and has 0 consumers",
        "mine.full quorum": "it holds 1 message and has 0 consumers",
        "mine.held": "it holds 1 message and has 0 consumers",
        "mine.used": "it holds 0 messages and has 1 consumer",
        "mine.source": f"the management API answered 400: exchange 'mine.source' in vhost '{vhost.name}' in use",
    }
    make(broker, *gone)
    make_used_objects(broker, channel)

    refused = run(broker, WANT, prune=True)
    assert {outcome.reason for outcome in refused.outcomes if outcome.status is Status.KEPT} == {
        "it is undeclared, but deleting was not allowed"
    }

    report = run(broker, WANT, prune=True, destroy=True)

    assert {outcome.object for outcome in report.outcomes if outcome.status is Status.DELETED} == set(gone)
    assert {
        getattr(outcome.object, "name", ""): outcome.reason
        for outcome in report.outcomes
        if outcome.status is Status.KEPT
    } == kept
    assert report.exit_code == 3
    assert {getattr(item, "name", "") for item in undeclared(broker.read(), WANT)} == {*kept, "foreign", ""}


def test_an_object_that_another_client_declares_differently_is_reported_as_different(
    broker: RabbitMQ, channel: amqp.Channel
) -> None:
    plan = Plan.between(broker.read(), WANT)
    channel.queue_declare("mine.q", durable=True, auto_delete=False)
    channel.queue_bind("mine.q", "amq.direct", "extra")

    report = apply_plan(plan, broker, WANT)

    outcome = outcome_of(report, "mine.q")
    assert outcome.status is Status.DIFFERS
    assert outcome.lost == (Binding(source="amq.direct", destination="mine.q", routing_key="extra"),)
    assert [found.attribute for found in outcome.differences] == ["x-message-ttl"]
    assert report.exit_code == 3


def test_an_object_that_another_run_creates_counts_as_created(broker: RabbitMQ) -> None:
    plan = Plan.between(broker.read(), WANT)
    setup(broker, WANT)

    assert apply_plan(plan, broker, WANT).exit_code == 0


def test_a_policy_that_another_run_sets_is_not_withheld(broker: RabbitMQ) -> None:
    queue, policy = Queue(name="q"), Policy(name="p", pattern="^q$", definition={"expires": 3_600_000})
    setup(broker, Topology.of([queue]))
    want = Topology.of([queue, policy])
    plan = make_plan(broker, broker.read(), want)
    alone = apply_plan(plan, broker, want)
    apply_plan(plan, broker, want, consent=TO_ALL)

    late = apply_plan(plan, broker, want)

    assert [outcome.status for outcome in alone.outcomes] == [Status.UNCHANGED, Status.WITHHELD]
    assert [(each.status, each.stakes) for each in late.outcomes] == [(Status.UNCHANGED, ())] * 2


def test_an_argument_with_an_effect_is_a_difference_though_the_broker_would_accept_another(
    broker: RabbitMQ, under_test: BrokerUnderTest
) -> None:
    slow = Queue(name="slow", type="quorum", arguments={"x-consumer-timeout": 60_000})
    want = Topology.of([replace(slow, arguments={"x-consumer-timeout": 7_200_000})])
    make(broker, slow)

    has_effect = not under_test.is_older_than((3, 12))
    assert bool(diff(broker.read(), want)) is has_effect
    run(broker, want, destroy=True)

    assert diff(broker.read(), want) == ()
    assert (broker.read().queues["slow"].arguments == want.queues["slow"].arguments) is has_effect


def test_a_wanted_argument_that_a_policy_provides_is_not_declared_again(broker: RabbitMQ) -> None:
    make(broker, Exchange(name="mine.e", type="topic"), Queue(name="mine.q"), *WANT.bindings)
    make(broker, Policy(name="ttl", pattern="^mine", apply_to="queues", definition={"message-ttl": 60_000}))

    assert set(run(broker, WANT).counts()) == {Status.UNCHANGED}


def test_an_operator_policy_counts_too(broker: RabbitMQ, management: Management, vhost: VirtualHost) -> None:
    make(broker, Exchange(name="mine.e", type="topic"), Queue(name="mine.q"), *WANT.bindings)
    management.put(
        "operator-policies",
        vhost.name,
        "bound",
        body={"pattern": "^mine", "apply-to": "queues", "definition": {"message-ttl": 60_000}},
    )

    assert diff(broker.read(), WANT) == ()


@pytest.mark.parametrize("routing_key", ["", "a b/c%+#?&;:'\"[red]🐰", "k" * 255])
def test_a_binding_with_integers_exists_once_over_both_protocols(
    broker: RabbitMQ, management: Management, vhost: VirtualHost, routing_key: str
) -> None:
    """RabbitMQ tells 32 from 64 bits, and lists both as the same number."""
    want = Topology.of(
        [
            Exchange(name="heads", type="headers"),
            Queue(name="q"),
            Binding(
                source="heads",
                destination="q",
                routing_key=routing_key,
                arguments={"n": 1, "deep": [{"m": 2}], "x-match": "any"},
            ),
        ]
    )

    setup(broker, want)
    with RabbitMQ(replace(vhost.settings())) as other:
        setup(other, want)

    assert len(management.get("bindings", vhost.name, "e", "heads", "q", "q")) == 1
    assert diff(broker.read(), want) == ()
