"""`attune-infra worker run` while the broker or the database is away, silent or restarting."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import amqp
import pytest

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.sandbox import BoundSandbox
from support.as_a_user import Command
from support.eventually import eventually
from support.fleet import Fleet, send, statuses
from support.proxy import Proxy
from support.under_test import DURABLE_WORKERS
from support.virtual_host import VirtualHost


def test_a_database_that_is_away_holds_up_no_message(
    fleet: Fleet, run: Command, sandbox: BoundSandbox, channel: amqp.Channel, pytestconfig: pytest.Config
) -> None:
    worker = fleet.start("w", "--heartbeat", "0.2")
    fleet.wait_until_consuming("w")
    sandbox.stop_database()
    try:
        eventually(lambda: fleet.talk("w"), lambda talk: "no heartbeat: " in talk)
        end, sent = time.monotonic() + pytestconfig.getoption("--outage"), 0
        while time.monotonic() < end:
            send(channel, sent)
            eventually(fleet.handled_ids, list(range(sent + 1)).__eq__)
            sent += 1
    finally:
        sandbox.start_database()

    eventually(lambda: fleet.talk("w"), lambda talk: "heartbeats reach the registry again" in talk)
    assert worker.poll() is None
    assert run("worker", "verify", "--id", "1", "--settle", "20").code == 0


def test_without_its_database_a_worker_comes_back_and_stops_and_says_so(
    fleet: Fleet, run: Command, sandbox: BoundSandbox, channel: amqp.Channel
) -> None:
    worker = fleet.start("w")
    fleet.wait_until_consuming("w")
    sandbox.stop_database()
    try:
        channel.queue_delete("worker.1.executions")
        fleet.wait_until_consuming("w", times=2)
        send(channel, "last")
        eventually(fleet.handled_ids, ["last"].__eq__)
        worker.send_signal(signal.SIGTERM)

        assert worker.wait(timeout=20) == 0
    finally:
        sandbox.start_database()
    assert "the worker could not be deregistered: " in fleet.talk("w")
    assert statuses(run) == [(1, "active")]


def test_a_worker_waits_for_a_database_that_is_not_up_yet(fleet: Fleet, sandbox: BoundSandbox) -> None:
    sandbox.stop_database()
    try:
        fleet.start("w")
        eventually(lambda: fleet.talk("w"), lambda talk: "; retrying" in talk, within=20)
    finally:
        sandbox.start_database()
    fleet.wait_until_consuming("w")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_while_it_waits_for_the_database_it_can_be_stopped(
    fleet: Fleet, sandbox: BoundSandbox, number: signal.Signals
) -> None:
    sandbox.stop_database()
    try:
        worker = fleet.start("w", "--wait", "60")
        fleet.wait_for_words("w", "; retrying\n")

        worker.send_signal(number)

        assert worker.wait(timeout=10) == 0
    finally:
        sandbox.start_database()
    assert fleet.talk("w").splitlines()[-1] == "stopped before the worker was registered"


def test_while_the_database_says_nothing_it_can_be_stopped(fleet: Fleet, database_url: str) -> None:
    parts = urlsplit(database_url)
    with Proxy(parts.port or 5432, hold_after=0) as silent:
        url = parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{silent.port}").geturl()
        worker = fleet.start("w", "--database-url", url, "--timeout", "60")
        eventually(lambda: silent.connections, bool, within=20)

        worker.send_signal(signal.SIGTERM)

        assert worker.wait(timeout=10) == 0


def test_while_the_broker_says_nothing_it_can_be_stopped(fleet: Fleet, run: Command, vhost: VirtualHost) -> None:
    with Proxy(urlsplit(vhost.amqp_url).port or 5672, hold_after=1) as silent:
        url = vhost.amqp_url_through(silent.port)
        worker = fleet.start("w", "--amqp-url", url, "--timeout", "60")
        eventually(lambda: silent.connections, bool, within=20)

        worker.send_signal(signal.SIGTERM)

        assert worker.wait(timeout=10) == 0
    assert fleet.talk("w").splitlines()[-1] == "worker 1 has stopped"
    assert statuses(run) == [(1, "inactive")]


def test_while_the_broker_is_away_it_finishes_what_it_does_and_stops(
    fleet: Fleet, vhost: VirtualHost, channel: amqp.Channel, tmp_path: Path
) -> None:
    done = tmp_path / "done"
    with Proxy(urlsplit(vhost.amqp_url).port or 5672) as line:
        url = vhost.amqp_url_through(line.port)
        worker = fleet.start("w", "--amqp-url", url, command=f"until [ -e {done} ]; do sleep 0.05; done")
        fleet.wait_until_consuming("w")
        send(channel, "long")
        eventually(fleet.handled_ids, bool)
    fleet.wait_for_words("w", "; retrying\n")

    worker.send_signal(signal.SIGTERM)

    assert worker.poll() is None
    done.touch()
    assert worker.wait(timeout=10) == 0
    assert "message number 1 done, but the connection was lost" in fleet.talk("w")


def test_a_worker_goes_to_the_next_host_in_turn(
    run: Command, vhost: VirtualHost, channel: amqp.Channel, tmp_path: Path
) -> None:
    port, _ = vhost.ports
    with Proxy(port) as first, Proxy(port) as second:
        several = vhost.at(amqp=[first.port, second.port]).environment
        fleet = Fleet(Command({**run.environment, **several}), tmp_path)
        try:
            fleet.start("w")
            fleet.wait_until_consuming("w")
            assert second.connections == 0

            first.cut()
            fleet.wait_until_consuming("w", times=2)
            with Proxy(port, port=first.port):
                second.cut()
                fleet.wait_until_consuming("w", times=3)
                send(channel, 1)
                eventually(fleet.handled_ids, [1].__eq__)
        finally:
            fleet.close()


class Publisher:
    """A thread that publishes with confirms to some workers until it is stopped, across outages of the broker."""

    def __init__(self, vhost: VirtualHost, worker_ids: list[int]) -> None:
        self.vhost, self.worker_ids = vhost, worker_ids
        self.confirmed: list[int] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._publish)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def _publish(self) -> None:
        numbers = count(1)
        while not self._ended.wait(0.2):
            with suppress(amqp.AMQPError, OSError), closing(self.vhost.client()) as connection:
                channel = connection.channel()
                while not self._ended.wait(0.01):
                    self._send(channel, next(numbers))

    def _send(self, channel: amqp.Channel, number: int) -> None:
        returned: list[object] = []
        channel.events["basic_return"] = {lambda *what: returned.append(what)}
        message = amqp.Message(json.dumps({"message_id": number}), delivery_mode=2)
        key = f"worker.{self.worker_ids[number % len(self.worker_ids)]}"
        channel.basic_publish_confirm(message, "attune.executions", key, mandatory=True)
        if not returned:
            self.confirmed.append(number)


@pytest.mark.lengthy
def test_a_restart_of_the_broker_loses_nothing_but_what_went_with_a_transient_queue(
    *,
    fleet: Fleet,
    sandbox: BoundSandbox,
    vhost: VirtualHost,
    pytestconfig: pytest.Config,
    record_testsuite_property: Callable[[str, object], None],
) -> None:
    """Every second worker has a durable queue, and no message confirmed for it is missing.

    A transient queue goes with the broker, and so do its messages, and those that its worker had not acknowledged.
    """
    names = [f"w{number}" for number in range(1, pytestconfig.getoption("--fleet") + 1)]
    for name in names:
        durable = ("--topology", str(DURABLE_WORKERS)) if int(name[1:]) % 2 else ()
        fleet.start(name, *durable, command="sleep 0.05")
        fleet.wait_until_consuming(name)
    publisher = Publisher(vhost, list(range(1, len(names) + 1)))
    publisher.start()
    eventually(fleet.handled_ids, lambda handled: len(handled) > 2 * len(names), within=30)

    sandbox.stop_broker()
    before = len(publisher.confirmed)
    sandbox.start_broker()

    back = time.monotonic()
    for name in names:
        fleet.wait_until_consuming(name, times=2)
    assert time.monotonic() - back < 60
    handled = len(fleet.handled_ids())
    eventually(fleet.handled_ids, lambda now: len(now) > handled + 2 * len(names), within=30)
    publisher.stop()
    with RabbitMQ(vhost.settings()) as broker:
        eventually(lambda: count_messages(broker), (0).__eq__, within=30)

    missing = set(publisher.confirmed) - set(fleet.handled_ids())
    record_testsuite_property("confirmed", len(publisher.confirmed))
    record_testsuite_property("discarded with a transient queue", len(missing))
    assert missing <= set(publisher.confirmed[:before])
    assert not {number for number in missing if (number % len(names)) % 2 == 0}


def count_messages(broker: RabbitMQ) -> int:
    """Count the messages in the queues of all workers."""
    return sum(depth.total for name, depth in broker.depths().items() if name.startswith("worker."))
