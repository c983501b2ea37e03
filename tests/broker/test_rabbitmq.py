"""Reading and changing one virtual host of a real broker."""

from dataclasses import replace

import amqp
import pytest

from attune_infra.broker import same_broker
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.errors import BrokerUnreachable, RequestRefused
from attune_infra.journal import JOURNAL
from attune_infra.settings import Via
from attune_infra.topology.diff import Create, Difference, Update, diff
from attune_infra.topology.model import ABSENT, Binding, Exchange, Policy, Queue, Topology, TopologyObject
from attune_infra.topology.planning.report import Outcome, Status
from support.eventually import eventually
from support.faults.line import line_to
from support.faulty import Answer, answering_instead
from support.virtual_host import VirtualHost

EVERYTHING = Topology.of(
    [
        Exchange(name="a b/c", type="topic", arguments={"alternate-exchange": "inner"}),
        Exchange(name="inner", type="fanout", internal=True, durable=False),
        Exchange(name="heads", type="headers"),
        Queue(name="plain", arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "other"}),
        Queue(name="other", type="quorum", arguments={"x-max-length": 5}),
        Queue(name="short lived", auto_delete=True),
        Binding(source="a b/c", destination="plain", routing_key="k.#"),
        Binding(source="a b/c", destination="plain", routing_key="k.#", arguments={"x": "y"}),
        Binding(source="a b/c", destination="inner", destination_type="exchange", routing_key="e"),
        Binding(source="heads", destination="other", arguments={"x-match": "any", "kind": "x", "ok": True}),
        Binding(source="amq.topic", destination="short lived"),
        Policy(name="limit", pattern="^plain$", apply_to="queues", priority=3, definition={"max-length": 10}),
    ]
)


TRANSIENT = Topology.of([Queue(name="a", durable=False), Queue(name="b", durable=False, auto_delete=True)])


@pytest.mark.parametrize("via", list(Via))
@pytest.mark.parametrize(
    "topology",
    [
        pytest.param(EVERYTHING, id="everything"),
        pytest.param(TRANSIENT, id="transient", marks=pytest.mark.transient_queues),
    ],
)
def test_reading_returns_the_applied_topology(vhost: VirtualHost, topology: Topology, via: Via) -> None:
    with RabbitMQ(vhost.settings(), via=via) as broker:
        outcomes = list(broker.apply(create(*topology.objects())))

        assert {outcome.status for outcome in outcomes} == {Status.CREATED}
        assert diff(broker.read(), topology) == ()
        assert diff(topology, broker.read()) == ()


@pytest.mark.parametrize("via", list(Via))
@pytest.mark.parametrize("durable", [True, pytest.param(False, marks=pytest.mark.transient_queues)])
@pytest.mark.parametrize(("first", "second"), [(None, "classic"), ("classic", None)])
def test_no_type_and_classic_are_the_same(
    vhost: VirtualHost, via: Via, durable: bool, first: str | None, second: str | None
) -> None:
    """RabbitMQ 4 writes `x-queue-type: classic` into arguments where nobody asked for it, 3.10 does not."""
    made, wanted = (Queue(name="q", type=kind, durable=durable) for kind in (first, second))
    with RabbitMQ(vhost.settings(), via=via) as broker:
        [*_] = broker.apply(create(made))

        assert broker.read().queues["q"] == Queue(name="q", type="classic", durable=durable)
        assert diff(broker.read(), Topology.of([wanted])) == ()
        [again] = broker.apply(create(wanted))
        assert again.status in {Status.CREATED, Status.UNCHANGED}


def create(*items: TopologyObject) -> list[Create]:
    return [Create(item) for item in items]


def test_a_policy_is_updated_in_place(broker: RabbitMQ) -> None:
    before = Policy(name="p", pattern="^a", definition={"expires": 1000})
    after = Policy(name="p", pattern="^b", definition={"max-length": 2}, priority=1)
    list(broker.apply(create(before)))

    [change] = diff(broker.read(), Topology.of([after]))
    assert isinstance(change, Update)
    [outcome] = broker.apply([change])

    assert outcome.status is Status.UPDATED
    assert Difference("max-length", ABSENT, 2) in outcome.differences
    assert diff(broker.read(), Topology.of([after])) == ()


@pytest.mark.parametrize("via", list(Via))
def test_a_binding_of_a_failed_exchange_is_skipped(vhost: VirtualHost, via: Via, channel: amqp.Channel) -> None:
    channel.exchange_declare("wrong", "fanout", durable=True, auto_delete=False)
    wrong, fine = Exchange(name="wrong", type="direct"), Queue(name="fine")
    needs_it, does_not = (
        Binding(source="wrong", destination="fine"),
        Binding(source="amq.topic", destination="fine"),
    )

    with RabbitMQ(vhost.settings(), via=via) as broker:
        outcomes = {outcome.object: outcome for outcome in broker.apply(create(needs_it, does_not, fine, wrong))}

    assert outcomes[wrong].status is Status.FAILED
    assert "inequivalent arg 'type' for exchange 'wrong'" in outcomes[wrong].reason
    assert outcomes[needs_it] == Outcome(needs_it, Status.SKIPPED, "exchange wrong could not be created")
    assert outcomes[fine].status is Status.CREATED
    assert outcomes[does_not].status is Status.CREATED


@pytest.mark.parametrize("via", list(Via))
def test_a_binding_to_a_missing_queue_names_the_queue(vhost: VirtualHost, via: Via) -> None:
    with RabbitMQ(vhost.settings(), via=via) as broker:
        [outcome] = broker.apply(create(Binding(source="amq.topic", destination="gone")))

    assert outcome.status is Status.FAILED
    assert "no queue 'gone' in vhost" in outcome.reason


@pytest.mark.parametrize("key", ["~0", "a~b", "~~a"])
def test_bindings_that_rabbitmq_cannot_list_are_an_error_with_a_hint(
    broker: RabbitMQ, channel: amqp.Channel, key: str
) -> None:
    """`rabbit_mgmt_format:pack_binding_props` crashes on such a key, and every list that holds it with it."""
    channel.queue_declare("q", durable=True, auto_delete=False)
    channel.queue_bind("q", "amq.topic", key, arguments={"x": "y"})

    with pytest.raises(RequestRefused, match="answered 500 when asked for the bindings of") as caught:
        broker.read()

    assert "`~` before another character" in str(caught.value.hint)
    channel.queue_unbind("q", "amq.topic", key, arguments={"x": "y"})
    assert broker.read().bindings == frozenset()


@pytest.mark.parametrize("key", ["~", "a~", "~~"])
def test_a_tilde_at_the_end_of_a_routing_key_is_listed(broker: RabbitMQ, channel: amqp.Channel, key: str) -> None:
    channel.queue_declare("q", durable=True, auto_delete=False)
    channel.queue_bind("q", "amq.topic", key, arguments={"x": "y"})

    assert {binding.routing_key for binding in broker.read().bindings} == {key}


def test_rabbitmqs_own_objects_are_not_read(broker: RabbitMQ, channel: amqp.Channel) -> None:
    queue = channel.queue_declare("", exclusive=True).queue
    channel.queue_bind(queue, "amq.topic", "#")

    assert broker.read().objects() == ()


def test_tags_come_from_statistics_which_lag_behind(broker: RabbitMQ, channel: amqp.Channel) -> None:
    channel.queue_declare("q", durable=True, auto_delete=False)
    channel.basic_consume("q", consumer_tag="b")
    channel.basic_consume("q", consumer_tag="a")

    assert broker.consumer_counts(["q", "gone"]) == {"q": 2}
    tags = eventually(lambda: broker.consumer_tags(["q", "gone"]), lambda tags: len(tags["q"]) == 2)
    assert tags == {"q": ("a", "b"), "gone": ()}


def test_counting_consumers_spares_queues_with_an_expiry(broker: RabbitMQ, channel: amqp.Channel) -> None:
    """A passive declaration would start its lease anew, and a queue that is looked at would never expire."""
    channel.queue_declare("argument", durable=True, auto_delete=False, arguments={"x-expires": 60_000})
    channel.queue_declare("policy", durable=True, auto_delete=False)
    channel.queue_declare("neither", durable=True, auto_delete=False)
    list(broker.apply(create(Policy(name="p", pattern="^policy$", definition={"expires": 60_000}))))

    assert {queue: broker.contents(queue) for queue in ("argument", "policy", "neither", "gone")} == {
        "argument": (0, None),
        "policy": (0, None),
        "neither": (0, 0),
        "gone": (None, None),
    }


def test_bindings_are_the_same_listed_at_once_or_by_exchange(broker: RabbitMQ) -> None:
    """A few exchanges with many queues are asked one by one, many exchanges all at once."""
    queues = [Queue(name=f"q{number}") for number in range(400)]
    bindings = [Binding(source="amq.topic", destination=queue.name, routing_key="#") for queue in queues]
    exchanges = [Exchange(name=f"e{number}") for number in range(40)]
    list(broker.apply(create(*queues, *bindings)))
    one_by_one = broker.read()
    list(broker.apply(create(*exchanges)))

    assert one_by_one.bindings == set(bindings)
    assert broker.read().bindings == set(bindings)


@pytest.mark.parametrize("queue_type", ["classic", "quorum"])
def test_messages_just_published_are_counted(broker: RabbitMQ, channel: amqp.Channel, queue_type: str) -> None:
    """RabbitMQ's totals of a quorum queue lag 5 seconds behind, its ready messages do not."""
    arguments = {"x-queue-type": queue_type}
    channel.queue_declare("q", durable=True, auto_delete=False, arguments=arguments)
    channel.confirm_select()

    for number in range(1, 11):
        channel.basic_publish_confirm(amqp.Message("x"), "", "q", mandatory=True)
        assert broker.contents("q") == (number, 0)


@pytest.mark.parametrize("gone", ["[]", '{"default_queue_type": "undefined"}'])
def test_another_virtual_host_that_is_just_deleted_is_passed_over(vhost: VirtualHost, gone: str) -> None:
    """RabbitMQ 3.10 lists it as an empty array, 4.3 as an object without a name."""
    listing = Answer(200, f'[{gone}, {{"name": "{vhost.name}"}}]', (("Content-Type", "application/json"),))
    asked = []

    def choose(_: str, path: str) -> Answer | None:
        asked.extend(found := [path] if path.startswith("/api/vhosts?") else [])
        return listing if found else None

    with (
        answering_instead(vhost.management_url, choose) as (url, _),
        RabbitMQ(replace(vhost, management_url=url).settings()) as broker,
    ):
        assert broker.read().queues == {}
    assert asked


def test_a_connection_that_is_lost_does_not_make_two_brokers_of_one(
    vhost: VirtualHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The private queue of the proof goes with its connection, and is not listed then."""
    with line_to(vhost.ports[0]) as line:
        broker = RabbitMQ(vhost.at(amqp=[line.port]).settings())

        def look(*_: object) -> bool:
            line.arm()  # which ends the connection
            return False

        monkeypatch.setattr(same_broker, "_is_listed", look)
        with broker, pytest.raises(BrokerUnreachable):
            same_broker.check_same_broker(broker.connections)


def test_over_amqp_alone_the_journal_does_not_claim_that_an_object_is_new(
    broker: RabbitMQ, channel: amqp.Channel
) -> None:
    channel.queue_declare("old", durable=True, auto_delete=False)
    JOURNAL.clear()

    [outcome] = broker.declare_over_amqp([Queue(name="old")])

    assert outcome == Outcome(Queue(name="old"), Status.CREATED)
    assert str(JOURNAL) == "declared 1 queue (old)"
