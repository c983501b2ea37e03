"""`attune-infra worker run`: real worker processes, through everything that can happen to them."""

from __future__ import annotations

import signal
from pathlib import Path

import amqp
import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.fleet.model import Depth
from support.as_a_user import Command
from support.eventually import eventually
from support.fleet import Fleet, send, statuses
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost


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
            "x-attune-queue": "worker.1.executions",
            "x-attune-exchange": "attune.executions",
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
    assert "RabbitMQ ended the consumer of queue worker.1.executions: the queue was deleted, or " in fleet.talk(
        "w"
    )
    send(channel, "after")
    eventually(fleet.handled_ids, ["after"].__eq__)


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


def test_a_queue_declared_otherwise_is_told_with_what_to_do(run: Command, channel: amqp.Channel) -> None:
    channel.queue_declare("worker.1.executions", durable=True, auto_delete=False, arguments={"x-max-length": 1})

    result = run("worker", "run", "--log-format", "plain", "--name", "w")

    assert result.code == 1
    denied = "error: worker 1 was denied queue worker.1.executions: PRECONDITION_FAILED - inequivalent arg"
    assert denied in result.stderr
    assert "`attune-infra worker deprovision --id 1`" in result.stderr


def test_a_queue_that_somebody_holds_for_himself_is_told(run: Command, channel: amqp.Channel) -> None:
    channel.queue_declare("worker.1.executions", exclusive=True)

    result = run("worker", "run", "--log-format", "plain", "--name", "w")

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

    result = run("worker", "run", "--log-format", "plain", "--name", "w", "--amqp-url", url)
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

    result = attune_infra_with_registry(
        "worker", "run", "--log-format", "plain", "--name", "w", "--topology", "attune"
    )

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
        (("--exec", ""), "--exec is empty"),
    ],
)
def test_a_command_that_cannot_be_is_refused_at_once(
    attune_infra_alone: Command, arguments: tuple[str, ...], sentence: str
) -> None:
    result = attune_infra_alone("worker", "run", "--log-format", "plain", *arguments)

    assert result.code == 64
    assert result.stderr.startswith(f"error: {sentence}")


def test_where_rejected_messages_go_must_be_known(attune_infra_alone: Command, tmp_path: Path) -> None:
    document = tmp_path / "t.yaml"
    document.write_text("workers: {consumer_tag: 'w-{worker_id}', queues: {'w.{worker_id}': {}}}\n")

    result = attune_infra_alone("worker", "run", "--log-format", "plain", "--topology", str(document))

    assert result.code == 1
    assert "name none\nhint:  give --dead-letter-exchange" in result.stderr


def test_the_database_is_asked_for(attune_infra: Command) -> None:
    assert attune_infra("worker", "run", "--log-format", "plain").stderr.startswith(
        "error: no database is configured"
    )
