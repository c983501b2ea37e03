"""Deletions without --even-if-used: a number that is unknown keeps a queue, and never counts as 0."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import amqp
import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.sandbox import BoundSandbox
from attune_infra.settings import AMQP_URL, MANAGEMENT_URL, Via
from attune_infra.topology.diff import Create
from attune_infra.topology.facts.permissions import Access, Right
from attune_infra.topology.model import Argument, Binding, Queue
from attune_infra.topology.planning.report import Outcome, Status
from support.eventually import eventually
from support.limited import LimitedUser, limited_user
from support.proxy import Proxy
from support.servers import closed_port
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost

EXPIRING = {"x-expires": 600_000}
PAIR: tuple[dict[str, Argument], ...] = ({}, {"x-match": "any", "is": True})
MANY = [f"q{number}" for number in range(300)]


@pytest.fixture
def user(vhost: VirtualHost, management: Management) -> Iterator[LimitedUser]:
    with limited_user(vhost, management) as user:
        yield user


@pytest.fixture
def limited(user: LimitedUser, management: Management, vhost: VirtualHost) -> Iterator[RabbitMQ]:
    """The broker, as a user with all permissions who does not see the consumers of others."""
    user.may([], tags=["management"])
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    management.put("permissions", vhost.name, user.name, body=everything)
    with RabbitMQ(vhost.settings(flags={AMQP_URL: user.amqp_url})) as broker:
        yield broker


def delete(broker: RabbitMQ, name: str) -> Outcome:
    """Delete a queue as the broker lists it."""
    [outcome] = broker.delete([broker.read().queues[name]], even_if_used=False)
    return outcome


def declare(channel: amqp.Channel, kind: str, **arguments: object) -> None:
    more = {name.replace("_", "-"): value for name, value in arguments.items()}
    channel.queue_declare("q", durable=True, auto_delete=False, arguments={"x-queue-type": kind, **more})


@pytest.mark.parametrize("arguments", [{}, EXPIRING])
@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_a_consumer_that_the_user_does_not_see_keeps_a_queue(
    limited: RabbitMQ, channel: amqp.Channel, kind: str, arguments: dict[str, object]
) -> None:
    declare(channel, kind, **arguments)
    channel.basic_consume("q", consumer_tag="theirs")

    outcome = delete(limited, "q")

    assert outcome.status is Status.KEPT
    assert limited.read().queues.keys() == {"q"}
    channel.basic_cancel("theirs")
    assert delete(limited, "q").status is Status.DELETED


def test_statistics_tell_every_user_the_consumers_of_others(limited: RabbitMQ, channel: amqp.Channel) -> None:
    declare(channel, "quorum")
    channel.basic_consume("q", consumer_tag="theirs")

    eventually(lambda: limited.consumer_tags(["q", "gone"]), {"q": ("theirs",), "gone": ()}.__eq__)


def test_a_stream_is_kept(limited: RabbitMQ, channel: amqp.Channel) -> None:
    """RabbitMQ counts neither its messages nor its consumers."""
    declare(channel, "stream")

    assert limited.contents("q") == (None, None)
    outcome = delete(limited, "q")
    assert (outcome.status, "those of a stream" in outcome.reason) == (Status.KEPT, True)


def test_counting_a_quorum_queue_does_not_restart_its_expiry(broker: RabbitMQ, channel: amqp.Channel) -> None:
    declare(channel, "quorum", x_expires=2000)

    assert broker.contents("q") == (0, 0)
    eventually(lambda: broker.contents("q"), (None, None).__eq__)


@pytest.mark.parametrize("messages", [0, 2])
def test_a_quorum_queue_without_a_leader_is_kept(
    broker: RabbitMQ, channel: amqp.Channel, sandbox: BoundSandbox, vhost: VirtualHost, messages: int
) -> None:
    """RabbitMQ says that it holds nothing, and would delete it with its messages."""
    declare(channel, "quorum", **EXPIRING)
    channel.confirm_select()
    for _ in range(messages):
        channel.basic_publish_confirm(amqp.Message("x", delivery_mode=2), "", "q", mandatory=True)
    listed = broker.read().queues["q"]
    server = f'{{list_to_atom("{vhost.name}_q"), node()}}'
    sandbox.rabbitmqctl("eval", f"ra:stop_server(quorum_queues, {server}).", within=180)

    [outcome] = broker.delete([listed], even_if_used=False)

    assert outcome.status is Status.KEPT
    late = f"it holds {messages} messages and has 0 consumers"  # if the statistics had counted them before
    lost = "its messages cannot be counted: it has no leader now; start its nodes, and try again"
    assert outcome.reason in ({lost, late} if messages else {lost})
    assert broker.ready(["q"]) == {}
    assert broker.contents_at_most(["q"])["q"] == (None, None)


def test_a_quorum_queue_that_amqp_cannot_count_is_kept(vhost: VirtualHost, channel: amqp.Channel) -> None:
    """Over HTTP its number of messages lags 5 seconds behind."""
    declare(channel, "quorum")
    url = vhost.amqp_url_through(closed_port())

    with RabbitMQ(vhost.settings(flags={AMQP_URL: url})) as broker:
        outcome = delete(broker, "q")

    assert outcome.status is Status.KEPT
    assert outcome.reason.startswith("its messages cannot be counted: RabbitMQ tells them only over AMQP, and ")


def test_a_queue_that_was_deleted_meanwhile_counts_as_deleted(broker: RabbitMQ, channel: amqp.Channel) -> None:
    declare(channel, "quorum")
    listed = broker.read().queues["q"]

    outcomes = list(broker.delete([listed, listed], even_if_used=False))

    assert [outcome.status for outcome in outcomes] == [Status.DELETED, Status.DELETED]


def declare_many(channel: amqp.Channel) -> list[Queue]:
    """Declare many empty classic queues; return them as the broker lists them."""
    for name in MANY:
        channel.queue_declare(name, durable=True, auto_delete=False, nowait=True)
    channel.queue_declare(MANY[-1], passive=True)
    return [Queue(name=name, type="classic") for name in MANY]


def publish(channel: amqp.Channel, queue: str) -> None:
    channel.confirm_select()
    channel.basic_publish_confirm(amqp.Message("x"), "", queue, mandatory=True)


def test_many_queues_are_deleted_over_amqp_and_those_in_use_are_kept(
    broker: RabbitMQ, channel: amqp.Channel
) -> None:
    many = declare_many(channel)
    publish(channel, "q7")
    publish(channel, "q8")
    assert channel.basic_get("q8") is not None  # RabbitMQ itself would delete it: its message is not ready
    channel.basic_consume("q100")
    channel.queue_declare("exclusive", exclusive=True)
    exclusive = Queue(name="exclusive", type="classic")

    outcomes = list(broker.delete([*many, exclusive], even_if_used=False))

    assert [outcome.object for outcome in outcomes] == [*many, exclusive]
    stay = {outcome.object: outcome for outcome in outcomes if outcome.status is not Status.DELETED}
    assert {item.name: (each.status, each.reason) for item, each in stay.items() if isinstance(item, Queue)} == {
        "q7": (Status.KEPT, "it holds 1 message and has 0 consumers"),
        "q8": (Status.KEPT, "it holds 1 message and has 0 consumers"),
        "q100": (Status.KEPT, "it holds 0 messages and has 1 consumer"),
        "exclusive": (Status.FAILED, stay[exclusive].reason),
    }
    assert "exclusive access" in stay[exclusive].reason
    assert broker.read(private=True).queues.keys() == {"q7", "q8", "q100", "exclusive"}


def test_what_comes_between_the_count_and_the_deletion_keeps_a_queue(
    broker: RabbitMQ, channel: amqp.Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = declare_many(channel)
    count = broker.connections.http.get

    def publish_after_counting(*segments: str, **query: Any) -> Any:
        listed = count(*segments, **query)
        if segments[0] == "queues" and len(listed) == len(MANY):
            for name in ("q20", "q21", "q299"):
                publish(channel, name)
        return listed

    monkeypatch.setattr(broker.connections.http, "get", publish_after_counting)

    outcomes = list(broker.delete(many, even_if_used=False))

    kept = [getattr(outcome.object, "name", "") for outcome in outcomes if outcome.status is Status.KEPT]
    assert kept == ["q20", "q21", "q299"]
    assert broker.read().queues.keys() == set(kept)


def test_many_queues_of_all_types_are_deleted_even_if_used(broker: RabbitMQ, channel: amqp.Channel) -> None:
    declare_many(channel)
    for kind in ("quorum", "stream"):
        channel.queue_declare(kind, durable=True, auto_delete=False, arguments={"x-queue-type": kind})
    publish(channel, "q7")
    publish(channel, "quorum")
    channel.basic_consume("q8", on_cancel=lambda _: None)

    outcomes = list(broker.delete(broker.read().queues.values(), even_if_used=True))

    assert {outcome.status for outcome in outcomes} == {Status.DELETED}
    assert broker.read().queues == {}


def test_quorum_queues_and_streams_among_many_are_kept_as_alone(broker: RabbitMQ, channel: amqp.Channel) -> None:
    many = declare_many(channel)
    for name in ("empty", "full", "stream"):
        kind = "stream" if name == "stream" else "quorum"
        channel.queue_declare(name, durable=True, auto_delete=False, arguments={"x-queue-type": kind})
    publish(channel, "full")
    others = [broker.read().queues[name] for name in ("empty", "full", "stream")]

    outcomes = list(broker.delete([*many[:100], *others, *many[100:]], even_if_used=False))

    assert {outcome.status for outcome in outcomes if outcome.object not in others} == {Status.DELETED}
    assert [outcome.status for outcome in outcomes[100:103]] == [Status.DELETED, Status.KEPT, Status.KEPT]


@pytest.mark.parametrize("via", Via)
def test_many_queues_are_deleted_without_amqp(vhost: VirtualHost, channel: amqp.Channel, via: Via) -> None:
    many = declare_many(channel)
    publish(channel, "q7")
    url = vhost.amqp_url_through(closed_port())

    with RabbitMQ(vhost.settings(flags={AMQP_URL: url}), via=via) as broker:
        outcomes = list(broker.delete(many, even_if_used=False))

        assert broker.read().queues.keys() == {"q7"}
    assert [outcome.status for outcome in outcomes].count(Status.DELETED) == len(MANY) - 1


def test_a_connection_that_breaks_amid_many_deletions_is_opened_again(
    vhost: VirtualHost, channel: amqp.Channel
) -> None:
    many = declare_many(channel)
    publish(channel, "q7")

    with Proxy(vhost.ports[0], cut_after=6_000) as proxy:
        url = vhost.amqp_url_through(proxy.port)
        with RabbitMQ(vhost.settings(flags={AMQP_URL: url})) as broker:
            outcomes = list(broker.delete(many, even_if_used=False))

            assert proxy.connections > 1
            assert broker.read().queues.keys() == {"q7"}
    assert [outcome.status for outcome in outcomes].count(Status.DELETED) == len(MANY) - 1


def test_another_user_over_amqp_lends_no_permission_to_delete(
    user: LimitedUser, vhost: VirtualHost, channel: amqp.Channel
) -> None:
    many = declare_many(channel)
    user.may([], tags=["management"])

    with RabbitMQ(vhost.settings(flags={MANAGEMENT_URL: user.management_url})) as broker:
        outcomes = list(broker.delete(many[:20], even_if_used=False))

        assert len(broker.read().queues) == len(MANY)
    assert {outcome.status for outcome in outcomes} == {Status.FAILED}


def test_many_deletions_without_permission_are_refused_by_name(
    user: LimitedUser, vhost: VirtualHost, channel: amqp.Channel
) -> None:
    many = declare_many(channel)
    user.may([Right(Access.CONFIGURE, "queue", "q3")], tags=["management"])
    urls = {AMQP_URL: user.amqp_url, MANAGEMENT_URL: user.management_url}

    with RabbitMQ(vhost.settings(flags=urls)) as broker:
        first, *_, allowed = broker.delete([*many[40:60], many[3]], even_if_used=False)

        assert broker.read().queues.keys() == set(MANY) - {"q3"}
    assert allowed.status is Status.DELETED
    assert (first.status, "configure permission on queue q40" in first.reason) == (Status.FAILED, True)


def bind_many(channel: amqp.Channel) -> list[Binding]:
    """Bind two exchanges to a queue and to one another, with many keys; return the bindings."""
    for exchange in ("e", "f"):
        channel.exchange_declare(exchange, "headers", durable=True, auto_delete=False)
    channel.queue_declare("q", durable=True, auto_delete=False)
    channel.queue_declare("r", durable=True, auto_delete=False)
    keys = ["", ".", "ä #*~", *(f"k{number}" for number in range(40))]
    ends = [("e", "queue", "q"), ("e", "queue", "r"), ("f", "exchange", "e")]
    many = [
        Binding(source=source, destination_type=kind, destination=end, routing_key=key, arguments=arguments)
        for source, kind, end in ends
        for key in keys
        for arguments in PAIR
    ]
    for each in many:
        bind = channel.queue_bind if each.destination_type == "queue" else channel.exchange_bind
        bind(each.destination, each.source, routing_key=each.routing_key, arguments=dict(each.arguments))
    return many


def test_many_bindings_are_deleted_over_amqp_and_no_others(
    broker: RabbitMQ, channel: amqp.Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = bind_many(channel)
    going, staying = many[::2], set(many[1::2])  # pairs differ only in their arguments
    monkeypatch.setattr(broker.connections.http, "delete", None)

    outcomes = list(broker.delete(going, even_if_used=False))

    assert [(each.object, each.status) for each in outcomes] == [(each, Status.DELETED) for each in going]
    assert set(broker.read().bindings) == staying


def test_bindings_that_are_listed_like_others_are_deleted_among_many(
    broker: RabbitMQ, channel: amqp.Channel
) -> None:
    many = bind_many(channel)
    for key in ("undefined", "null", "k1"):
        channel.queue_bind("q", "e", routing_key=key, arguments={"n": 1, "void": None})
    listed = broker.read().bindings

    outcomes = list(broker.delete([*many, *(each for each in listed if each not in many)], even_if_used=False))

    assert (len(outcomes), {each.status for each in outcomes}) == (len(many) + 3, {Status.DELETED})
    assert not broker.read().bindings


def test_many_bindings_without_permission_are_refused_by_name(
    user: LimitedUser, vhost: VirtualHost, channel: amqp.Channel
) -> None:
    many = bind_many(channel)
    rights = [Right(Access.READ, "exchange", "e"), Right(Access.WRITE, "queue", "r")]
    user.may(rights, tags=["management"])
    urls = {AMQP_URL: user.amqp_url, MANAGEMENT_URL: user.management_url}
    to_queues = [each for each in many if each.source == "e"]

    with RabbitMQ(vhost.settings(flags=urls)) as broker:
        outcomes = list(broker.delete(to_queues, even_if_used=False))

        assert {each.destination for each in broker.read().bindings} == {"q", "e"}
    failed = {each.object: each.reason for each in outcomes if each.status is Status.FAILED}
    assert failed.keys() == {each for each in to_queues if each.destination == "q"}
    assert all("queue q" in reason or "queue 'q'" in reason for reason in failed.values())


@pytest.mark.lengthy
def test_a_queue_of_a_lost_node_counts_as_deleted_only_if_it_is_gone(under_test: BrokerUnderTest) -> None:
    """RabbitMQ 3.10 answers with a 404 and keeps it, 4.0 and 4.3 delete it."""
    queues = [Queue(name=f"q{number}", type="classic") for number in range(20)]
    with under_test.sandbox(postgres=False, nodes=2 if under_test.is_older_than((4, 2)) else 3) as cluster:
        lost, *_, left = (
            VirtualHost(
                "/",
                f"amqp://guest:guest@127.0.0.1:{node.amqp_port}/%2F",
                f"http://127.0.0.1:{node.management_port}",
            )
            for node in cluster.nodes
        )
        with RabbitMQ(lost.settings()) as broker:
            assert {outcome.status for outcome in broker.apply(map(Create, queues))} == {Status.CREATED}
        cluster.kill_broker(1)

        with RabbitMQ(left.settings()) as broker:
            eventually(lambda: broker.read().queues["q0"].works, lambda works: not works)
            outcomes = [
                *broker.delete(queues[:1], even_if_used=True),
                *broker.delete(queues[1:], even_if_used=True),
            ]
            stay = broker.read().queues

    told = {getattr(each.object, "name", "") for each in outcomes if each.status is Status.FAILED}
    assert told == stay.keys()
    assert len(told) == (len(queues) if under_test.is_older_than((4, 0)) else 0)
