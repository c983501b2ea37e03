"""Killed at any moment and run again, a command ends where it would have ended, and nothing was deleted."""

import signal

import amqp
import pytest

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.topology.builtin import attune
from attune_infra.topology.diff import diff
from attune_infra.topology.model import Topology
from attune_infra.topology.worker import with_workers
from support.as_a_user import Command
from support.eventually import eventually


@pytest.mark.parametrize("seen", [1, 4, 8, 11])
def test_setup(attune_infra: Command, broker: RabbitMQ, seen: int) -> None:
    """Kill it as soon as so many objects are there; some runs will be over by then, which is a moment too."""
    process = attune_infra.start("setup")
    eventually(lambda: len(broker.read().objects()), seen.__le__, within=20)
    process.send_signal(signal.SIGKILL)
    process.communicate()

    assert attune_infra("setup").code == 0
    assert diff(broker.read(), attune()) == ()


def test_provision_amid_thousands(
    attune_infra: Command, topology: Topology, broker: RabbitMQ, channel: amqp.Channel
) -> None:
    channel.queue_declare("bystander", durable=True, auto_delete=False)
    want = with_workers(topology, range(1, 1501))
    for seen in (1, 400, 1500):
        process = attune_infra.start("worker", "provision", "--id", "1-1500")
        eventually(lambda: len(broker.read().queues), seen.__le__, within=30)
        process.send_signal(signal.SIGKILL)
        process.communicate()

    assert attune_infra("worker", "provision", "--id", "1-1500").code == 0
    assert attune_infra("setup", "--allow-destructive", "--yes", "--max-deletes", "100%").code == 0
    assert diff(broker.read(), want) == ()
    assert "bystander" in broker.read().queues
