"""The numbers of queues, as a broker tells them."""

from __future__ import annotations

import amqp
import pytest

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.fleet.model import Depth
from attune_infra.fleet.queues import Numbers
from attune_infra.topology.diff import Create
from attune_infra.topology.model import Queue
from support.eventually import eventually


def read(broker: RabbitMQ) -> dict[str, Numbers]:
    return dict(broker.numbers(lambda *_: None))


def test_a_virtual_host_without_queues_has_no_numbers(broker: RabbitMQ) -> None:
    assert read(broker) == {}


def test_messages_are_counted_before_there_are_statistics(broker: RabbitMQ, channel: amqp.Channel) -> None:
    channel.confirm_select()
    channel.queue_declare("jobs", durable=True, auto_delete=False)
    channel.basic_publish_confirm(amqp.Message("x"), routing_key="jobs")

    assert read(broker)["jobs"].depth == Depth(ready=1)


@pytest.mark.parametrize("kind", ["classic", "quorum", "stream"])
def test_statistics_arrive(broker: RabbitMQ, channel: amqp.Channel, kind: str) -> None:
    channel.queue_declare("jobs", durable=True, auto_delete=False, arguments={"x-queue-type": kind})
    channel.basic_publish(amqp.Message("x"), routing_key="jobs")

    def look() -> Numbers:
        channel.basic_publish(amqp.Message("x"), routing_key="jobs")
        return read(broker)["jobs"]

    found = eventually(look, lambda seen: bool(seen.rate_in and seen.depth), within=20)

    assert found.node is not None
    assert (found.consumers, found.rate_out) == (0, 0.0)
    assert (found.idle is not None) == (kind == "classic")


def test_an_unused_queue_tells_since_when(broker: RabbitMQ, channel: amqp.Channel) -> None:
    channel.queue_declare("jobs", durable=True, auto_delete=False)

    found = eventually(lambda: read(broker)["jobs"], lambda seen: seen.idle_since is not None, within=20)

    assert found.idle is not None
    assert 0 <= found.idle < 60


def test_a_list_has_several_pages(broker: RabbitMQ) -> None:
    names = [f"q.{number}" for number in range(501)]
    list(broker.apply([Create(Queue(name=name)) for name in names]))
    told: list[tuple[int, int]] = []

    found = broker.numbers(lambda done, total: told.append((done, total)))

    assert found.keys() == set(names)
    assert told == [(500, 501), (501, 501)]
