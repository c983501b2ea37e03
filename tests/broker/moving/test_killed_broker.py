"""A broker that is killed forgets acknowledgements: messages are back, and none is doubled without its mark."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress

import pytest

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.errors import BrokerError
from attune_infra.messages.moving import Moved, Orders
from attune_infra.sandbox import BoundSandbox, find
from attune_infra.topology.facts.between import ledger_of
from support.eventually import eventually
from support.traffic import Record, publish_many, read_all
from support.virtual_host import VirtualHost, create_virtual_host

MESSAGES = 3000
ATTEMPTS = 3
"""A busy machine may be so slow to kill that RabbitMQ has written all acknowledgements by then."""

REMEMBERED = 3.0
"""Seconds after which a broker that is killed still knows a queue that it has made, as `migrate` waits."""


@pytest.mark.lengthy
@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_what_is_back_after_a_kill_of_the_broker_is_marked(
    sandbox: BoundSandbox, vhost: VirtualHost, kind: str
) -> None:
    for number in range(ATTEMPTS):
        with create_virtual_host(vhost, f"{vhost.name} {number}") as own:
            doubled = move_through_a_kill(sandbox, own, kind)
        if doubled or kind == "quorum":
            return
    pytest.fail("RabbitMQ forgot no acknowledgement, so this test has shown nothing")


def move_through_a_kill(sandbox: BoundSandbox, vhost: VirtualHost, kind: str) -> int:
    """Move all messages in two runs, with a kill in between; return the number of those that are there twice."""
    orders = Orders(source="old", ledger=ledger_of("old"), exchange="to-new", source_type=kind)
    record = Record(sent=fill(vhost, kind, orders))
    move_until_killed(vhost, orders, sandbox)
    sandbox.start_broker()
    eventually(vhost.is_open, bool)
    with RabbitMQ(vhost.settings(timeout=30)) as broker, broker.moving(orders, ignore) as mover:
        moved = mover.run()
    read_all(vhost, record, "new")

    assert record.lost == set()
    assert record.doubled <= record.marked
    assert len(record.marked) == moved.doubtful
    return len(record.doubled)


@pytest.mark.lengthy
@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_a_queue_that_was_emptied_stays_so_after_a_kill(
    sandbox: BoundSandbox, vhost: VirtualHost, kind: str
) -> None:
    """The move waits until RabbitMQ has written the acknowledgements: nothing would tell the messages later."""
    orders = Orders(source="old", ledger=ledger_of("old"), exchange="to-new", source_type=kind, drops_ledger=True)
    record = Record(sent=fill(vhost, kind))
    with RabbitMQ(vhost.settings()) as broker:
        with broker.moving(orders, ignore) as mover:
            mover.run()
        sandbox.kill_broker()
    sandbox.start_broker()
    eventually(vhost.is_open, bool)
    for queue in ("new", "old"):
        read_all(vhost, record, queue)

    assert record.lost == set()
    assert record.doubled == set()


def make_ledger(vhost: VirtualHost, orders: Orders) -> None:
    """Make the ledger by a move of nothing, long enough ago for RabbitMQ to remember it.

    Before 4.3, a broker that is killed may forget a queue that it has confirmed just before. Without the ledger,
    nothing tells what is back (docs/reliability.md).
    """
    with RabbitMQ(vhost.settings()) as broker, broker.moving(orders, ignore) as mover:
        mover.run()
    time.sleep(REMEMBERED)


def fill(vhost: VirtualHost, kind: str, orders: Orders | None = None) -> set[tuple[int, int]]:
    """Declare both queues, and publish messages into the old one."""
    connection = vhost.client()
    channel = connection.channel()
    channel.exchange_declare("to-new", "fanout", durable=True, auto_delete=False)
    for name in ("old", "new"):
        channel.queue_declare(name, durable=True, auto_delete=False, arguments={"x-queue-type": kind})
    channel.queue_bind("new", "to-new")
    if orders is not None:
        make_ledger(vhost, orders)
    sent = publish_many(channel, "", "old", 0, MESSAGES)
    connection.close()
    time.sleep(REMEMBERED if kind == "quorum" else 0)
    return sent


def move_until_killed(vhost: VirtualHost, orders: Orders, sandbox: BoundSandbox) -> None:
    """Move most of the messages, and kill the broker before it has written the last acknowledgements.

    The signal is sent from here, at the end of a transaction: before a busy machine gives the supervisor of the
    sandbox its turn, a broker that has nothing to do has written them.
    """
    found = find(sandbox.name)
    assert found is not None

    def kill(moved: Moved) -> None:
        if moved.moved > MESSAGES // 2:
            os.kill(found.broker.pid, signal.SIGKILL)

    with RabbitMQ(vhost.settings()) as broker, suppress(BrokerError), broker.moving(orders, kill) as mover:
        mover.run()
        pytest.fail("the broker was not killed")
    sandbox.kill_broker()  # which the supervisor may have to notice


def ignore(_: Moved) -> None:
    """Take progress, and do nothing."""
