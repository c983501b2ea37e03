"""Recreations that RabbitMQ refuses after the old object is gone: refusals that no table foresees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import amqp
import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.errors import BrokerUnreachable
from attune_infra.operations.setup import apply_plan, make_plan
from attune_infra.settings import AMQP_URL, Settings, Via
from attune_infra.topology.diff import Create
from attune_infra.topology.model import Binding, Exchange, Queue, Topology, TopologyObject
from attune_infra.topology.planning.consent import TO_ALL
from attune_infra.topology.planning.plan import Plan
from attune_infra.topology.planning.report import Loss, Outcome, Report, Status
from support.proxy import Proxy
from support.virtual_host import VirtualHost

OLD = Queue(name="q", type="classic", arguments={"x-max-length": 9})
SOURCE = Exchange(name="vanishing", auto_delete=True)
WANTED, EXTRA = Binding(source="e", destination="q"), Binding(source="e", destination="q", routing_key="extra")
ONLY = Binding(source="vanishing", destination="q")
HAVE = Topology.of([OLD, SOURCE, Exchange(name="e"), WANTED, EXTRA, ONLY])
NONSENSE = Queue(name="q", type="quorum", arguments={"x-queue-leader-locator": "nonsense"})
WANT = Topology.of([NONSENSE, Exchange(name="e"), Exchange(name="new"), WANTED])


@pytest.fixture(params=list(Via))
def broker(vhost: VirtualHost, request: pytest.FixtureRequest) -> Iterator[RabbitMQ]:
    with RabbitMQ(vhost.settings(), via=request.param) as broker:
        outcomes = list(broker.apply(map(Create, HAVE.objects())))
        assert {outcome.status for outcome in outcomes} == {Status.CREATED}
        yield broker


def publish(channel: amqp.Channel, count: int) -> None:
    channel.confirm_select()
    for _ in range(count):
        channel.basic_publish_confirm(amqp.Message("x"), "", "q", mandatory=True)


def recreate(broker: RabbitMQ, want: Topology = WANT) -> Report:
    return apply_plan(Plan.between(broker.read(), want), broker, want, consent=TO_ALL)


def outcomes_of(report: Report) -> dict[TopologyObject, Outcome]:
    return {outcome.object: outcome for outcome in report.outcomes}


def test_an_old_queue_is_put_back_with_everything_that_went_along(broker: RabbitMQ, channel: amqp.Channel) -> None:
    publish(channel, 2)

    report = recreate(broker)

    outcome = outcomes_of(report)[NONSENSE]
    assert (outcome.status, outcome.loss) == (Status.FAILED, Loss(messages=2, consumers=0, bindings=0))
    assert "x-queue-leader-locator" in outcome.reason
    assert outcome.reason.endswith("; the old queue was deleted before, and is put back")
    assert outcomes_of(report)[WANTED].status is Status.UNCHANGED
    assert report.exit_code == 3  # an exchange was created
    assert broker.read() == replace(
        HAVE, name=broker.read().name, exchanges={**HAVE.exchanges, "new": Exchange(name="new")}
    )


def test_an_old_exchange_is_put_back(broker: RabbitMQ) -> None:
    refused = Exchange(name="e", type="nonsense")

    report = recreate(broker, Topology.of([refused, OLD, WANTED]))

    assert outcomes_of(report)[refused].reason.endswith("; the old exchange was deleted before, and is put back")
    assert report.exit_code == 1
    assert broker.read().bindings == HAVE.bindings
    assert broker.read().exchanges == HAVE.exchanges


def test_an_old_queue_that_cannot_be_put_back_is_named_as_lost(
    broker: RabbitMQ, management: Management, vhost: VirtualHost
) -> None:
    management.put("vhost-limits", vhost.name, "max-queues", body={"value": 0})
    want = Topology.of([replace(OLD, arguments={}), Exchange(name="e"), WANTED])
    assert make_plan(broker, broker.read(), want).exit_code == 1

    report = recreate(broker, want)

    outcome = outcomes_of(report)[want.queues["q"]]
    assert outcome.status is Status.FAILED
    assert "; the old queue was deleted before, and RabbitMQ refused to put it back: " in outcome.reason
    assert "limit" in outcome.reason.partition("put it back")[2]
    assert outcome.loss == Loss(messages=0, consumers=0, bindings=3)
    assert set(outcome.lost) == {WANTED, EXTRA, ONLY}
    assert SOURCE.name in broker.read().exchanges
    assert report.exit_code == 1


def through(vhost: VirtualHost, line: Proxy) -> Settings:
    return vhost.settings(flags={AMQP_URL: vhost.amqp_url_through(line.port)})


def test_nothing_is_deleted_if_nothing_can_be_declared(vhost: VirtualHost, broker: RabbitMQ) -> None:
    with Proxy(1) as closed:
        settings = through(vhost, closed)
    with RabbitMQ(settings) as half, pytest.raises(BrokerUnreachable):
        recreate(half)

    assert broker.read().objects() == HAVE.objects()


def test_a_connection_that_is_lost_after_the_deletion_is_told_with_the_loss(
    vhost: VirtualHost, broker: RabbitMQ
) -> None:
    port = urlsplit(vhost.amqp_url).port
    assert port is not None
    with Proxy(port) as line, RabbitMQ(through(vhost, line)) as half:
        want = Topology.of([replace(OLD, arguments={}), Exchange(name="e"), WANTED])
        plan = Plan.between(half.read(), want)

        report = apply_plan(plan, half, want, consent=TO_ALL, watch=lambda *_: line.cut())

    outcome = outcomes_of(report)[want.queues["q"]]
    assert outcome.status is Status.FAILED
    assert "; the old queue was deleted before, and " in outcome.reason
    assert "put back: cannot open an AMQP connection to " in outcome.reason
    assert outcome.loss == Loss(messages=0, consumers=0, bindings=3, exchanges=1)
    assert broker.read().queues == {}
