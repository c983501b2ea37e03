"""Upper bounds of the messages in queues: never too low, and unknown where RabbitMQ does not tell."""

from __future__ import annotations

import amqp
import pytest

from attune_infra.broker.rabbitmq import RabbitMQ
from support.eventually import eventually
from support.servers import closed_port
from support.virtual_host import VirtualHost


def declare(channel: amqp.Channel, name: str, queue_type: str = "classic", **arguments: int) -> str:
    found = {"x-queue-type": queue_type, **{f"x-{key}": value for key, value in arguments.items()}}
    channel.queue_declare(name, durable=True, auto_delete=False, arguments=found)
    return name


def publish(channel: amqp.Channel, queue: str, count: int) -> None:
    channel.confirm_select()
    for _ in range(count):
        channel.basic_publish_confirm(amqp.Message("x", delivery_mode=2), "", queue)


@pytest.mark.parametrize("queue_type", ["classic", "quorum"])
def test_messages_just_published_are_in_the_bound(
    broker: RabbitMQ, channel: amqp.Channel, queue_type: str
) -> None:
    declare(channel, "q", queue_type)
    for number in range(1, 6):
        publish(channel, "q", 1)
        assert broker.contents_at_most(["q", "missing"]) == {"q": (number, 0)}


def test_unacknowledged_messages_are_in_the_bound_or_it_is_unknown(
    broker: RabbitMQ, channel: amqp.Channel
) -> None:
    for queue_type in ("classic", "quorum"):
        publish(channel, declare(channel, queue_type, queue_type), 3)
        channel.basic_consume(queue_type, callback=lambda _: None)

    found = eventually(
        lambda: broker.contents_at_most(["classic", "quorum"]), lambda found: found["classic"][1] == 1
    )

    assert found == {"classic": (3, 1), "quorum": (None, 1)}


def test_the_messages_of_a_stream_are_unknown(broker: RabbitMQ, channel: amqp.Channel) -> None:
    publish(channel, declare(channel, "st", "stream"), 3)

    assert broker.contents_at_most(["st"]).get("st", (None, None))[0] is None


def test_counting_spares_queues_with_an_expiry(broker: RabbitMQ, channel: amqp.Channel) -> None:
    for queue_type in ("classic", "quorum"):
        publish(channel, declare(channel, queue_type, queue_type, expires=1500), 2)

    first = broker.contents_at_most(["classic", "quorum"])
    eventually(lambda: broker.contents_at_most(["classic", "quorum"]), lambda found: not found)

    assert first == {"classic": (2, None), "quorum": (2, 0)}


def test_without_amqp_a_quorum_queue_is_unknown(vhost: VirtualHost, channel: amqp.Channel) -> None:
    for queue_type in ("classic", "quorum"):
        publish(channel, declare(channel, queue_type, queue_type), 2)
    blind = vhost.amqp_url_through(closed_port())

    with RabbitMQ(VirtualHost(vhost.name, blind, vhost.management_url).settings()) as broker:
        found = broker.contents_at_most(["classic", "quorum"])

    assert found == {"classic": (2, None), "quorum": (None, None)}


def test_an_exclusive_queue_does_not_keep_others_from_being_counted(
    broker: RabbitMQ, channel: amqp.Channel
) -> None:
    channel.queue_declare("mine", exclusive=True)
    publish(channel, "mine", 1)
    publish(channel, declare(channel, "q"), 2)

    assert broker.contents_at_most(["mine", "q"]) == {"mine": (1, None), "q": (2, 0)}
