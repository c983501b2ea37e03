"""`attune-infra queue purge`: empty queues, after asking."""

from __future__ import annotations

from pathlib import Path

import amqp
import pytest
import yaml

from attune_infra.errors import ExitCode
from support.as_a_user import Command
from support.eventually import eventually
from support.virtual_host import VirtualHost


def fill(channel: amqp.Channel, queue: str, count: int = 3, **arguments: object) -> None:
    """Declare a queue with messages in it."""
    channel.confirm_select()
    given = {f"x-{name.replace('_', '-')}": value for name, value in arguments.items()}
    channel.queue_declare(queue, durable=True, auto_delete=False, arguments=given)
    for number in range(count):
        channel.basic_publish_confirm(amqp.Message(str(number), delivery_mode=2), "", queue)


def ready(channel: amqp.Channel, queue: str) -> int:
    count: int = channel.queue_declare(queue, passive=True).message_count
    return count


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_queues_are_emptied(attune_infra: Command, channel: amqp.Channel, kind: str) -> None:
    fill(channel, "jobs", queue_type=kind)
    fill(channel, "others", count=1, queue_type=kind)

    result = attune_infra("queue", "purge", "jobs", "others", "--yes")

    assert (result.code, result.stderr) == (ExitCode.DONE, "")
    assert result.lines == ["- queue jobs: 3 messages deleted", "- queue others: 1 message deleted"]
    assert (ready(channel, "jobs"), ready(channel, "others")) == (0, 0)


def test_unacknowledged_messages_stay(attune_infra: Command, channel: amqp.Channel) -> None:
    fill(channel, "jobs")
    taken = channel.basic_get("jobs")
    wanted = "- queue jobs: 2 messages deleted; 1 unacknowledged, which a consumer has, stay"

    result = attune_infra("queue", "purge", "jobs", "--yes")

    assert result.lines == [wanted]
    channel.basic_reject(taken.delivery_tag, requeue=True)
    eventually(lambda: ready(channel, "jobs"), (1).__eq__)


def test_json_has_the_numbers(attune_infra: Command, channel: amqp.Channel) -> None:
    fill(channel, "jobs")

    result = attune_infra("queue", "purge", "jobs", "--yes", "-o", "json")

    assert result.json["queues"] == [
        {"name": "jobs", "type": "classic", "deleted": 3, "unacknowledged": 0, "failure": None, "hint": None}
    ]


@pytest.mark.any_broker
def test_it_asks_first(attune_infra: Command, channel: amqp.Channel, vhost: VirtualHost) -> None:
    fill(channel, "jobs")

    refused = attune_infra.at_terminal("queue", "purge", "jobs", typed="n\n")
    silent = attune_infra("queue", "purge", "jobs")

    assert refused.code == silent.code == ExitCode.REFUSED
    assert "- queue jobs: 3 messages" in refused.stdout
    assert f"Delete 3 messages of 1 queue in virtual host {vhost.name} of" in refused.stdout
    assert "not confirmed; nothing was changed" in refused.stdout
    assert "give --yes to delete them" in silent.stderr
    assert ready(channel, "jobs") == 3
    assert attune_infra.at_terminal("queue", "purge", "jobs", typed="y\n").code == ExitCode.DONE
    assert ready(channel, "jobs") == 0


@pytest.mark.any_broker
def test_an_empty_queue_needs_no_question(attune_infra: Command, channel: amqp.Channel) -> None:
    fill(channel, "jobs", count=0)

    result = attune_infra("queue", "purge", "jobs")

    assert (result.code, result.lines) == (ExitCode.DONE, ["- queue jobs: 0 messages deleted"])


def test_a_stream_is_refused_before_anything_is_deleted(attune_infra: Command, channel: amqp.Channel) -> None:
    fill(channel, "jobs")
    fill(channel, "log", queue_type="stream")

    result = attune_infra("queue", "purge", "jobs", "log", "--yes")

    assert result.code == ExitCode.FAILED
    assert "log is a stream, and RabbitMQ empties no stream; nothing was deleted" in result.stderr
    assert "max-age" in result.stderr
    assert ready(channel, "jobs") == 3


@pytest.mark.any_broker
def test_a_missing_queue_is_refused(attune_infra: Command, channel: amqp.Channel) -> None:
    fill(channel, "jobs")

    result = attune_infra("queue", "purge", "jbs", "jobs", "--yes")

    assert result.code == ExitCode.FAILED
    assert "queue 'jbs' does not exist; did you mean 'jobs'?" in result.stderr
    assert ready(channel, "jobs") == 3


def test_the_queue_of_another_connection_is_left(
    attune_infra: Command, channel: amqp.Channel, vhost: VirtualHost
) -> None:
    fill(channel, "jobs")
    owner = vhost.client()
    owners = owner.channel()
    owners.queue_declare("mine", exclusive=True)
    owners.basic_publish(amqp.Message("x"), "", "mine")
    eventually(lambda: ready(owners, "mine"), (1).__eq__)

    result = attune_infra("queue", "purge", "mine", "jobs", "--yes")

    assert result.code == ExitCode.PARTLY_DONE
    assert result.lines[0].startswith("! queue mine: not emptied: ")
    assert "cannot obtain exclusive access" in result.lines[0]
    assert result.lines[1] == "- queue jobs: 3 messages deleted"
    owner.close()


@pytest.mark.any_broker
def test_a_protected_broker_wants_the_name_of_its_cluster(
    attune_infra_alone: Command, channel: amqp.Channel, vhost: VirtualHost, tmp_path: Path
) -> None:
    fill(channel, "jobs")
    entry = {"url": vhost.amqp_url, "management_url": vhost.management_url, "protected": True}
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({"connections": {"production": entry}}))
    line = ("queue", "purge", "jobs", "--yes", "--config", str(config), "--connection", "production")

    refused = attune_infra_alone(*line)
    cluster = refused.target.split("cluster ")[1].split()[0]
    named = attune_infra_alone(*line, "--expect-cluster", cluster)

    assert refused.code == ExitCode.REFUSED
    assert "connection production is protected; nothing was changed" in refused.stderr
    assert named.lines == ["- queue jobs: 3 messages deleted"]
