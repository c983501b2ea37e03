"""The queues of a tap are gone however its connection ends, and a line is known to be dead."""

from __future__ import annotations

import time
from dataclasses import replace
from urllib.parse import urlsplit

import amqp
import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.messages import tap as tap_module
from attune_infra.broker.messages.tap import AmqpTap
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.errors import BrokerUnreachable
from attune_infra.sandbox import BoundSandbox
from attune_infra.settings import AMQP_URL
from attune_infra.topology.routing.tap import Wish, plan_tap
from support.eventually import eventually
from support.proxy import Proxy
from support.taps import QUEUE, declare, queues_of, send
from support.virtual_host import VirtualHost


def new_tap(vhost: VirtualHost, port: int | None = None) -> AmqpTap:
    """Return a tap of exchange `events`, perhaps through a proxy."""
    with RabbitMQ(vhost.settings()) as broker:
        topology = broker.read(private=True)
    settings = vhost.settings()
    if port is not None:
        settings = replace(settings, amqp=vhost.settings(flags={AMQP_URL: vhost.amqp_url_through(port)}).amqp)
    plan = plan_tap(Wish(exchange="events"), topology, QUEUE)
    return AmqpTap(settings, plan, topology, queue_length=100)


def test_a_silent_line_is_given_up_on_both_sides(
    vhost: VirtualHost, channel: amqp.Channel, management: Management, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tap_module, "HEARTBEAT", 1.0)
    declare(channel, "events", "topic", "#")
    port = urlsplit(vhost.amqp_url).port
    assert port is not None
    with Proxy(port, hold_after=4000) as proxy, new_tap(vhost, proxy.port) as tap:
        with pytest.raises(BrokerUnreachable, match="the tap is lost: the broker has sent no heartbeat"):
            eventually(tap.receive, bool, within=30)
        assert proxy.holds
        eventually(lambda: queues_of(management, vhost), ["events"].__eq__, within=30)


def test_a_quiet_line_stays(vhost: VirtualHost, channel: amqp.Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tap_module, "HEARTBEAT", 1.0)
    declare(channel, "events", "topic", "#")
    with new_tap(vhost) as tap:
        end = time.monotonic() + 4
        while time.monotonic() < end:
            assert tap.receive() == []
        send(channel, "events", "a")
        [delivered] = eventually(tap.receive, bool)

    assert delivered.message.body == b"a"


def test_a_large_message_comes_whole(vhost: VirtualHost, channel: amqp.Channel) -> None:
    declare(channel, "events", "topic", "#")
    body = bytes(range(256)) * 4000
    with new_tap(vhost) as tap:
        channel.basic_publish(amqp.Message(body), "events", "a")
        channel.basic_publish(amqp.Message(b""), "events", "b")
        found = [*eventually(tap.receive, bool)]
        while len(found) < 2:
            found += tap.receive()

    assert [each.message.body for each in found] == [body, b""]


@pytest.mark.lengthy
def test_after_the_death_of_the_broker_nothing_is_left(
    vhost: VirtualHost, management: Management, sandbox: BoundSandbox
) -> None:
    client = vhost.client()
    declare(client.channel(), "events", "topic", "#")
    client.close()
    with new_tap(vhost) as tap:
        sandbox.kill_broker()
        try:
            with pytest.raises(BrokerUnreachable, match="the tap is lost"):
                eventually(tap.receive, lambda _: False)
        finally:
            sandbox.start_broker()

    eventually(lambda: queues_of(management, vhost), ["events"].__eq__)
    bound = management.get("exchanges", vhost.name, "events", "bindings", "source")
    assert [each["destination"] for each in bound] == ["events"]


def test_thousands_of_keys_are_taken_over(vhost: VirtualHost, channel: amqp.Channel) -> None:
    declare(channel, "events", "direct", *(f"k{number}" for number in range(2000)))
    with new_tap(vhost) as tap:
        send(channel, "events", "k1999", "other")
        [delivered] = eventually(tap.receive, bool)

    assert delivered.message.routing_key == "k1999"
