"""The live view on a real broker: it follows what happens, and outlives the broker's absence."""

from __future__ import annotations

from threading import Event
from typing import Any
from urllib.parse import urlsplit

import amqp
import pytest
from textual.pilot import Pilot

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.fleet.model import Fleet, FleetWorker, Member
from attune_infra.fleet.queues import Queues, examine
from attune_infra.operations.queues import look_at_queues
from attune_infra.settings import AMQP_URL, MANAGEMENT_URL, Via, resolve
from attune_infra.topology.model import Queue, Topology
from attune_infra.tui.app import WatchApp
from attune_infra.tui.sources import Sources
from attune_infra.tui.views import View
from support.live_view import until, watch
from support.proxy import Proxy
from support.virtual_host import VirtualHost


def app_of(broker: RabbitMQ) -> WatchApp:
    sources = Sources(title=lambda: f"at {broker.settings.virtual_host}", queues=lambda: look_at_queues(broker))
    return WatchApp(sources, every=0.5)


def test_it_follows_the_queues_of_a_broker(broker: RabbitMQ, vhost: VirtualHost, channel: amqp.Channel) -> None:
    channel.confirm_select()
    channel.exchange_declare("dlx", "fanout", durable=True, auto_delete=False)
    channel.queue_declare("jobs", durable=True, auto_delete=False, arguments={"x-dead-letter-exchange": "dlx"})

    async def act(pilot: Pilot[Any]) -> None:
        lines = await until(pilot, "unbounded")
        assert lines[0] == f"at {vhost.name}"
        channel.queue_declare("dead", durable=True, auto_delete=False)
        channel.queue_bind("dead", "dlx")
        await until(pilot, "dead ")
        channel.basic_publish_confirm(amqp.Message("x"), exchange="dlx")
        await until(pilot, "~ dead letters +1 dead")
        await pilot.press("home", "enter")
        await until(pilot, "gets the dead letters of jobs")
        await until(pilot, "dlx -> dead")
        channel.queue_delete("dead")
        await until(pilot, "queue dead does not exist any more")
        await pilot.press("escape")
        await until(pilot, "1 queue: 1 ")

    watch(app_of(broker), act)


def test_it_says_that_the_broker_is_away_and_goes_on(vhost: VirtualHost, channel: amqp.Channel) -> None:
    channel.queue_declare("jobs", durable=True, auto_delete=False)
    port = urlsplit(vhost.management_url).port
    assert port is not None
    with Proxy(port) as line:
        flags = {AMQP_URL: vhost.amqp_url, MANAGEMENT_URL: f"http://127.0.0.1:{line.port}"}

        async def act(pilot: Pilot[Any]) -> None:
            await until(pilot, "1 queue")
            line.cut()
            lines = await until(pilot, "! cannot reach the management API")
            assert any(" jobs " in each for each in lines), "the queues seen last stay"
            with Proxy(port, port=line.port):
                await until(pilot, "! cannot reach", gone=True)

        with RabbitMQ(resolve(flags, {}, timeout=2.0), via=Via.HTTP) as broker:
            watch(app_of(broker), act)


def test_a_bug_in_a_look_keeps_its_traceback() -> None:
    def look() -> Queues:
        raise ZeroDivisionError

    async def act(pilot: Pilot[Any]) -> None:
        await until(pilot, "never shown")

    with pytest.raises(ZeroDivisionError):
        watch(WatchApp(Sources(title=lambda: "", queues=look), every=60), act)


def test_without_a_registry_the_tab_of_workers_says_so() -> None:
    async def act(pilot: Pilot[Any]) -> None:
        await pilot.press("2")
        await until(pilot, "no registry of workers is configured")

    watch(WatchApp(Sources(title=lambda: "", queues=Queues), every=60), act)


def test_a_filter_that_is_given_can_be_cleared() -> None:
    found = examine(Topology.of([Queue(name="one"), Queue(name="two")]), {})

    async def act(pilot: Pilot[Any]) -> None:
        await until(pilot, "search: one")
        await until(pilot, "two", gone=True)
        await pilot.press("escape")
        await until(pilot, "two")

    watch(WatchApp(Sources(title=lambda: "", queues=lambda: found), every=60, view=View(text="one")), act)


def test_another_tab_does_not_wait_for_the_next_look() -> None:
    member = Member(id=1, name="somebody", status="error", heartbeat_age=1.0)
    fleet = Fleet((FleetWorker(id=1, member=member, queues=(), wanted_queues=1, bound=False),))
    begun, go_on = Event(), Event()

    def look() -> Queues:
        begun.set()
        go_on.wait(60)
        return Queues()

    async def act(pilot: Pilot[Any]) -> None:
        begun.wait(60)
        await pilot.press("2")
        go_on.set()
        await until(pilot, "somebody")

    watch(WatchApp(Sources(title=lambda: "", queues=look, workers=lambda: fleet), every=3600), act)
