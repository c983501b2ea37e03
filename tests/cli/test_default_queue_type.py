"""A virtual host with a default queue type: RabbitMQ 4 follows it, 3.10 stores it and looks away."""

from __future__ import annotations

from collections.abc import Callable

import amqp
import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.topology.builtin import attune
from support.as_a_user import Command
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost

DefaultToQuorum = Callable[[], str]


@pytest.fixture
def default_to_quorum(under_test: BrokerUnderTest, management: Management, vhost: VirtualHost) -> DefaultToQuorum:
    """Set the default, and return what becomes of a durable queue that names no type."""

    def set_default() -> str:
        management.put("vhosts", vhost.name, body={"default_queue_type": "quorum"})
        return "classic" if under_test.is_older_than((4, 0)) else "quorum"

    return set_default


@pytest.mark.parametrize("via", ["amqp", "http"])
def test_queues_follow_the_default_and_that_is_no_drift(
    attune_infra: Command, broker: RabbitMQ, default_to_quorum: DefaultToQuorum, via: str
) -> None:
    default = default_to_quorum()

    assert attune_infra("setup", "--via", via).code == 0

    assert {queue.type for queue in broker.read().queues.values()} == {default}
    assert attune_infra("diff").code == 0
    assert attune_infra("verify", "--strict").code == 0
    assert attune_infra("setup", "--via", via).lines[-1] == "13 objects: 13 unchanged"


@pytest.mark.transient_queues
@pytest.mark.parametrize("via", ["amqp", "http"])
def test_the_queues_of_workers_are_classic_all_the_same(
    attune_infra: Command, broker: RabbitMQ, default_to_quorum: DefaultToQuorum, via: str
) -> None:
    default_to_quorum()

    assert attune_infra("worker", "provision", "--id", "1", "--via", via).code == 0

    assert broker.read().queues["worker.1.executions"].type == "classic"
    assert attune_infra("worker", "provision", "--id", "1").lines[2].endswith(": unchanged")


def test_a_default_that_changed_afterwards_is_drift_where_declaring_again_is_refused(
    attune_infra: Command, channel: amqp.Channel, default_to_quorum: DefaultToQuorum
) -> None:
    assert attune_infra("setup").code == 0
    default = default_to_quorum()

    found = attune_infra("diff")

    if default == "classic":
        declare_dead_letter_queue(channel)
        assert found.code == 0
    else:
        with pytest.raises(amqp.PreconditionFailed, match="x-queue-type"):
            declare_dead_letter_queue(channel)
        assert found.code == 2
        assert found.lines.count("      type: have 'classic' (string), want 'quorum' (string)") == 4


def declare_dead_letter_queue(channel: amqp.Channel) -> None:
    """Declare it as one of the platform's services does."""
    arguments = dict(attune().queues["attune.dlx.queue"].arguments)
    channel.queue_declare("attune.dlx.queue", durable=True, auto_delete=False, arguments=arguments)
