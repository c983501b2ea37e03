"""Messages that consumers take out of the old queue, after a run was cut that had moved them already."""

from __future__ import annotations

from contextlib import suppress

import pytest

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.errors import BrokerError
from attune_infra.messages.moving import Moved, Orders
from attune_infra.topology.facts.between import ledger_of
from support.eventually import eventually
from support.traffic import Record, publish_many, read_all
from support.virtual_host import VirtualHost

MESSAGES, TAKEN = 3000, 50
FIRST = Orders(source="old", ledger=ledger_of("old"), exchange="to-held", drops_ledger=True)
SECOND = Orders(source="held", ledger=ledger_of("held"), exchange="to-new", drops_ledger=True)


@pytest.fixture
def record(vhost: VirtualHost) -> Record:
    """Fill a queue; a move out of it is cut, and a consumer takes some of the messages that come back."""
    connection = vhost.client()
    channel = connection.channel()
    for exchange, queue in (("", "old"), ("to-held", "held"), ("to-new", "new")):
        channel.queue_declare(queue, durable=True, auto_delete=False)
        if exchange:
            channel.exchange_declare(exchange, "fanout", durable=True, auto_delete=False)
            channel.queue_bind(queue, exchange)
    record = Record(sent=publish_many(channel, "", "old", 0, MESSAGES))
    cut_a_move(vhost)
    for _ in range(TAKEN):
        message = eventually(lambda: channel.basic_get("old"), lambda message: message is not None)
        record.note(message)
        channel.basic_ack(message.delivery_tag)
    connection.close()
    return record


def cut_a_move(vhost: VirtualHost) -> None:
    """Cut a move when it has sent a batch, and not acknowledged it yet."""

    def cut(moved: Moved) -> None:
        if moved.moved >= MESSAGES // 3:
            raise ConnectionResetError("cut")

    with RabbitMQ(vhost.settings()) as broker, suppress(BrokerError), broker.moving(FIRST, cut) as mover:
        mover.run()


def ignore(_: Moved) -> None:
    """Take progress, and do nothing."""


def test_they_are_known_once_the_queue_is_empty(vhost: VirtualHost, record: Record) -> None:
    with RabbitMQ(vhost.settings()) as broker, broker.moving(FIRST, ignore) as mover:
        assert len(mover.left) == 0
        mover.run()
        left = mover.left

    read_all(vhost, record, "held")
    assert record.lost == set()
    assert len(left) == len(record.doubled) > 0


def test_their_copies_go_no_further(vhost: VirtualHost, record: Record) -> None:
    with RabbitMQ(vhost.settings()) as broker:
        with broker.moving(FIRST, ignore) as mover:
            mover.run()
            broker.carry(SECOND.ledger, mover.left)
            broker.carry(SECOND.ledger, mover.left)  # as a run does that was cut in between
        with broker.moving(SECOND, ignore) as mover:
            moved = mover.run()
            assert len(mover.left) == 0

    assert moved.recovered > 0
    read_all(vhost, record, "new")
    assert record.lost == set()
    assert record.doubled == set()
