"""`worker provision --via amqp` while the management API does not answer."""

from __future__ import annotations

import amqp
import pytest

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.settings import DATABASE_URL
from support.as_a_user import Command
from support.no_management import statuses, without_management
from support.under_test import BrokerUnderTest


@pytest.fixture
def closed(attune_infra: Command) -> Command:
    """The command where nothing listens on the port of the management API."""
    return without_management(attune_infra)


def test_a_worker_is_provisioned(
    attune_infra: Command, closed: Command, broker: RabbitMQ, under_test: BrokerUnderTest
) -> None:
    assert attune_infra("setup").code == 0
    dry = closed("worker", "provision", "--id", "7", "--via", "amqp", "--dry-run")
    assert dry.code == 0
    expires = "over AMQP, a question restarts its expiry"  # by the policy of the document
    assert f"  queue worker.7.executions would be declared: {expires}" in dry.lines
    assert "worker.7.executions" not in broker.read().queues

    first = closed("worker", "provision", "--id", "7", "--via", "amqp")

    assert first.code == 0
    assert "  worker 7 provisioned: its queue and binding are accepted by RabbitMQ" in first.lines
    assert attune_infra("diff", "--worker", "7").code == 0
    before = broker.read()
    second = closed("worker", "provision", "--id", "7", "--via", "amqp", "-o", "json")
    assert second.code == 0
    expires_by_itself = under_test.denies_transient_queues  # by an argument, in that topology
    assert statuses(second)["worker.7.executions"] == ("accepted" if expires_by_itself else "unchanged")
    assert broker.read() == before
    assert closed("worker", "provision", "--id", "7", "--via", "amqp", "--expect", "0" * 12).code == 4


def test_a_worker_s_queue_that_differs_is_not_provisioned(closed: Command, channel: amqp.Channel) -> None:
    channel.queue_declare("worker.7.executions", durable=True, auto_delete=False, arguments={"x-max-length": 3})

    result = closed("worker", "provision", "--id", "7", "--via", "amqp")

    assert result.code == 3  # the exchange was created
    assert "! worker 7 is not provisioned" in result.lines


def test_many_workers_are_provisioned(closed: Command, broker: RabbitMQ) -> None:
    result = closed("worker", "provision", "--id", "1-300", "--via", "amqp")

    assert result.code == 0
    assert "  workers 1-300 provisioned: their queues and bindings are accepted by RabbitMQ" in result.lines
    assert len(broker.read().queues) == 300


def test_a_worker_that_is_not_registered_gets_nothing(
    closed: Command, broker: RabbitMQ, database_url: str
) -> None:
    registered = Command({**closed.environment, DATABASE_URL.variable: database_url})
    assert registered("registry", "init").code == 0

    result = registered("worker", "provision", "--id", "7", "--via", "amqp")

    assert result.code == 1
    assert "worker 7 is not in the registry" in result.stderr
    assert not broker.read().queues
