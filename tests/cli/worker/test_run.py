"""`attune-infra worker run`: real worker processes, through everything that can happen to them."""

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

from attune_infra.broker.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.fleet.model import Depth
from attune_infra.sandbox import BoundSandbox
from support.as_a_user import Command
from support.eventually import eventually
from support.fleet import Fleet
from support.proxy import Proxy
from support.under_test import DURABLE_WORKERS, BrokerUnderTest
from support.virtual_host import VirtualHost


def send(channel: amqp.Channel, *message_ids: object, key: str = "worker.1") -> None:
    channel.confirm_select()
    for message_id in message_ids:
        body = json.dumps({"message_id": message_id})
        channel.basic_publish_confirm(amqp.Message(body, delivery_mode=2), "attune.executions", key)


def statuses(run: Command) -> list[tuple[int, str]]:
    workers = run("worker", "list", "-o", "json").json["workers"]
    return [(each["id"], each["status"]) for each in workers]


def test_it_handles_a_message_at_a_time_and_stops_without_losing_any(
    fleet: Fleet, run: Command, channel: amqp.Channel, broker: RabbitMQ
) -> None:
    worker = fleet.start("w", "--prefetch", "2", command="sleep 0.1")
    fleet.wait_until_consuming("w")
    send(channel, *range(8))
    eventually(fleet.handled_ids, bool)

    worker.send_signal(signal.SIGTERM)

    assert worker.wait(timeout=20) == 0
    left = broker.depths().get("worker.1.executions", Depth())  # a durable queue stays, and keeps what waits
    assert fleet.handled_ids() == list(range(8 - left.ready))
    assert left.unacknowledged == 0
    assert fleet.talk("w").splitlines()[-1] == "worker 1 has stopped"
    assert statuses(run) == [(1, "inactive")]
    eventually(lambda: broker.contents("attune.dlx.queue"), (0, 0).__eq__)


def test_what_it_cannot_do_reaches_the_dead_letter_exchange(fleet: Fleet, channel: amqp.Channel) -> None:
    fleet.start("w", command="exit 3")
    fleet.wait_until_consuming("w")
    send(channel, "fails")
    channel.basic_publish_confirm(amqp.Message("no json", message_id="m"), "attune.executions", "worker.1")

    dead = [eventually(lambda: channel.basic_get("attune.dlx.queue", no_ack=True), bool) for _ in range(2)]

    assert [message.body for message in dead] == ['{"message_id": "fails"}', "no json"]
    assert dead[0].delivery_info["routing_key"] == "worker.1"
    fleet.wait_for_words("w", "message m rejected: it is not JSON")
    if "x-death" not in dead[0].headers:  # where the queue itself names a dead letter exchange, the broker does it
        assert dead[0].headers == {
            "x-attune-consumer": "worker-1",
            "x-attune-reason": "the command exited with code 3",
        }


def test_a_dead_letter_that_nobody_takes_is_kept(fleet: Fleet, channel: amqp.Channel, broker: RabbitMQ) -> None:
    fleet.start("w", command="exit 3")
    fleet.wait_until_consuming("w")
    channel.queue_unbind("attune.dlx.queue", "attune.dlx")
    send(channel, "fails")
    eventually(lambda: fleet.talk("w"), lambda talk: "leads to no queue, so the message is kept" in talk)

    channel.queue_bind("attune.dlx.queue", "attune.dlx")

    eventually(lambda: broker.contents("attune.dlx.queue"), (1, 0).__eq__, within=20)
    assert fleet.handled_ids() == ["fails"]


def test_without_a_command_it_logs_and_acknowledges(fleet: Fleet, channel: amqp.Channel) -> None:
    fleet.start("plain", command=None)
    fleet.wait_until_consuming("plain")

    send(channel, "a", "b")

    eventually(lambda: fleet.talk("plain").count(" done\n"), (2).__eq__)


@pytest.mark.transient_queues
def test_killed_it_leaves_no_queue_and_comes_back_with_the_same_id(
    fleet: Fleet, run: Command, broker: RabbitMQ
) -> None:
    worker = fleet.start("w")
    fleet.wait_until_consuming("w")

    worker.kill()

    eventually(lambda: "worker.1.executions" in broker.read().queues, (False).__eq__)
    found = run("worker", "verify", "--id", "1")
    assert found.code == 2
    assert found.lines[0] == "failed   worker 1 (w): queue missing: queue worker.1.executions is missing"

    fleet.start("w")
    fleet.wait_until_consuming("w", times=2)
    assert run("worker", "verify", "--id", "1", "--settle", "20").code == 0


def test_a_queue_deleted_under_it_is_made_again(fleet: Fleet, channel: amqp.Channel) -> None:
    fleet.start("w")
    fleet.wait_until_consuming("w")

    channel.queue_delete("worker.1.executions")

    fleet.wait_until_consuming("w", times=2)
    assert "queue worker.1.executions was deleted under its consumer; retrying" in fleet.talk("w")
    send(channel, "after")
    eventually(fleet.handled_ids, ["after"].__eq__)


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


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_kills(
    fleet: Fleet, channel: amqp.Channel, tmp_path: Path, second: signal.Signals
) -> None:
    done = tmp_path / "done"
    worker = fleet.start("w", command=f"until [ -e {done} ]; do sleep 0.05; done")
    fleet.wait_until_consuming("w")
    send(channel, "long")
    eventually(fleet.handled_ids, bool)
    worker.send_signal(signal.SIGTERM)
    fleet.wait_for_words("w", "stopping: taking no new messages, finishing those held\n")

    worker.send_signal(second)

    assert worker.wait(timeout=10) == -second
    done.touch()


class Publisher:
    """Publishes with confirms to some workers until told to end, whatever happens to the broker."""

    def __init__(self, vhost: VirtualHost, worker_ids: list[int]) -> None:
        self.vhost, self.worker_ids = vhost, worker_ids
        self.confirmed: list[int] = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._publish)

    def _publish(self) -> None:
        numbers = count(1)
        while not self.ended.wait(0.2):
            with suppress(amqp.AMQPError, OSError), closing(self.vhost.client()) as connection:
                channel = connection.channel()
                while not self.ended.wait(0.01):
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
    """Every second worker has a durable queue: of what was confirmed for those, nothing at all is missing.

    A transient queue goes with the broker, and what it held, or a worker had not acknowledged, goes with it.
    """
    names = [f"w{number}" for number in range(1, pytestconfig.getoption("--fleet") + 1)]
    for name in names:
        durable = ("--topology", str(DURABLE_WORKERS)) if int(name[1:]) % 2 else ()
        fleet.start(name, *durable, command="sleep 0.05")
        fleet.wait_until_consuming(name)
    publisher = Publisher(vhost, list(range(1, len(names) + 1)))
    publisher.thread.start()
    eventually(fleet.handled_ids, lambda handled: len(handled) > 2 * len(names), within=30)

    sandbox.stop_broker()
    before = len(publisher.confirmed)
    sandbox.start_broker()

    back = time.monotonic()
    for name in names:
        fleet.wait_until_consuming(name, times=2)
    assert time.monotonic() - back < 30
    handled = len(fleet.handled_ids())
    eventually(fleet.handled_ids, lambda now: len(now) > handled + 2 * len(names), within=30)
    publisher.ended.set()
    publisher.thread.join()
    with RabbitMQ(vhost.settings()) as broker:
        eventually(lambda: held(broker), (0).__eq__, within=30)

    missing = set(publisher.confirmed) - set(fleet.handled_ids())
    record_testsuite_property("confirmed", len(publisher.confirmed))
    record_testsuite_property("discarded with a transient queue", len(missing))
    assert missing <= set(publisher.confirmed[:before])
    assert not {number for number in missing if (number % len(names)) % 2 == 0}


def held(broker: RabbitMQ) -> int:
    """Return how many messages all workers' queues hold."""
    return sum(depth.total for name, depth in broker.depths().items() if name.startswith("worker."))


def test_a_queue_declared_otherwise_is_told_with_what_to_do(run: Command, channel: amqp.Channel) -> None:
    channel.queue_declare("worker.1.executions", durable=True, auto_delete=False, arguments={"x-max-length": 1})

    result = run("worker", "run", "--name", "w")

    assert result.code == 1
    denied = "error: worker 1 was denied queue worker.1.executions: PRECONDITION_FAILED - inequivalent arg"
    assert denied in result.stderr
    assert "`attune-infra worker deprovision --id 1`" in result.stderr


def test_a_queue_that_somebody_holds_for_himself_is_told(run: Command, channel: amqp.Channel) -> None:
    channel.queue_declare("worker.1.executions", exclusive=True)

    result = run("worker", "run", "--name", "w")

    assert result.code == 1
    assert "error: worker 1 was denied queue worker.1.executions: RESOURCE_LOCKED - " in result.stderr
    assert "is an older worker still running?" in result.stderr


@pytest.mark.parametrize("permission", ["configure", "read", "write"])
def test_a_missing_permission_is_told(
    run: Command, management: Management, vhost: VirtualHost, permission: str
) -> None:
    permissions = {"configure": ".*", "write": ".*", "read": ".*", permission: "^attune\\..*"}
    management.put("users", "modest", body={"password": "s3cret", "tags": ""})
    management.put("permissions", vhost.name, "modest", body=permissions)
    url = vhost.amqp_url.replace("guest:guest", "modest:s3cret")

    result = run("worker", "run", "--name", "w", "--amqp-url", url)
    management.delete("users", "modest")

    assert result.code == 1
    assert "error: worker 1 was denied " in result.stderr
    assert "ACCESS_REFUSED - " in result.stderr
    assert "rabbitmqctl set_permissions" in result.stderr


def test_a_denied_feature_is_told_with_the_way_out(
    attune_infra_with_registry: Command, under_test: BrokerUnderTest
) -> None:
    if not under_test.denies_transient_queues:
        pytest.skip("the RabbitMQ under test permits transient queues")
    attune_infra_with_registry("registry", "init")

    result = attune_infra_with_registry("worker", "run", "--name", "w", "--topology", "attune")

    assert result.code == 1
    assert "(the deprecated feature transient_nonexcl_queues)" in result.stderr
    assert "examples/attune-durable-workers.yaml" in result.stderr


@pytest.mark.any_broker
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--exec", "no-such-command"), "there is no executable command 'no-such-command'"),
        (("--exec", "'"), "--exec cannot be split into words: No closing quotation"),
        (("--exec", __file__), f"there is no executable command '{__file__}'"),
        (("--exec", ""), "there is no executable command ''"),
    ],
)
def test_a_command_that_cannot_be_is_refused_at_once(
    attune_infra_alone: Command, arguments: tuple[str, ...], sentence: str
) -> None:
    result = attune_infra_alone("worker", "run", *arguments)

    assert result.code == 1
    assert result.stderr.startswith(f"error: {sentence}\n")


def test_where_rejected_messages_go_must_be_known(attune_infra_alone: Command, tmp_path: Path) -> None:
    document = tmp_path / "t.yaml"
    document.write_text("workers: {consumer_tag: 'w-{worker_id}', queues: {'w.{worker_id}': {}}}\n")

    result = attune_infra_alone("worker", "run", "--topology", str(document))

    assert result.code == 1
    assert "name none\nhint:  give --dead-letter-exchange" in result.stderr


def test_the_database_is_asked_for(attune_infra: Command) -> None:
    assert attune_infra("worker", "run").stderr.startswith("error: no database is configured")
