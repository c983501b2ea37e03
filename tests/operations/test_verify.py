"""Counting consumers on a real broker: few exactly, many in a fixed number of requests."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

import amqp
import pytest

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.operations.setup import setup
from attune_infra.operations.verify import MAX_QUEUES_COUNTED, verify
from attune_infra.topology import builtin
from attune_infra.topology.verify import Check, Demands, Verdict
from attune_infra.topology.worker import with_queue_ttl, with_workers
from support.virtual_host import VirtualHost

pytestmark = pytest.mark.transient_queues

WANT = with_queue_ttl(builtin.attune(), 0)
"""Without an expiry, which counting consumers would put off."""


class Asked(RabbitMQ):
    """A broker that remembers whose consumers were counted."""

    counted: tuple[str, ...] = ()

    def consumer_counts(self, queues: Collection[str]) -> Mapping[str, int]:
        self.counted = tuple(queues)
        return super().consumer_counts(queues)


@pytest.fixture
def asked(vhost: VirtualHost) -> Iterator[Asked]:
    with Asked(vhost.settings()) as broker:
        yield broker


def consumers(broker: RabbitMQ, count: int) -> list[Check]:
    demands = Demands(worker_ids=tuple(range(1, count + 1)))
    checks = verify(broker, replace(WANT, routes=()), demands).checks
    return [check for check in checks if check.name.startswith("consumer ")]


def test_consumers_of_few_are_counted(asked: Asked, channel: amqp.Channel) -> None:
    setup(asked, with_workers(WANT, [1, 2]))
    channel.basic_consume("worker.2.executions", consumer_tag="worker-2")

    verdicts = [check.verdict for check in consumers(asked, 2)]

    assert asked.counted == ("worker.1.executions", "worker.2.executions")
    assert verdicts == [Verdict.WARNING, Verdict.PASSED]


def test_consumers_of_many_are_not_counted_one_by_one(asked: Asked) -> None:
    many = MAX_QUEUES_COUNTED + 1
    setup(asked, with_workers(WANT, range(1, many + 1)))

    found = consumers(asked, many)

    assert asked.counted == ()
    assert [check.verdict for check in found] == [Verdict.WARNING] * many
