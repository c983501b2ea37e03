"""`attune-infra worker dispatch`, as a user runs it."""

import json

import amqp
import pytest

from support.as_a_user import Command


def test_a_message_arrives_and_is_named(attune_infra: Command, channel: amqp.Channel) -> None:
    attune_infra("worker", "provision", "--id", "1")

    result = attune_infra("worker", "dispatch", "--id", "1", "-o", "json")

    assert (result.code, result.json["routed"], result.json["routing_key"]) == (0, True, "worker.1")
    message = channel.basic_get("worker.1.executions", no_ack=True)
    assert json.loads(message.body) == {"message_id": result.json["message_id"], "worker_id": 1}
    assert message.properties["message_id"] == result.json["message_id"]
    assert (message.properties["content_type"], message.properties["delivery_mode"]) == ("application/json", 2)


def test_a_body_is_sent_as_it_is(attune_infra: Command, channel: amqp.Channel) -> None:
    attune_infra("worker", "provision", "--id", "1")

    assert attune_infra("worker", "dispatch", "--id", "1", "--body", '{"a":  "ü"}').code == 0

    assert channel.basic_get("worker.1.executions", no_ack=True).body == '{"a":  "ü"}'


def test_a_message_for_nobody_is_a_finding_and_not_lost_in_silence(attune_infra: Command) -> None:
    attune_infra("setup")

    result = attune_infra("worker", "dispatch", "--id", "1")

    assert result.code == 2
    assert (
        result.stdout
        == "! no queue is bound to exchange attune.executions with routing key worker.1: nothing was sent\n"
    )


def test_without_the_exchange_the_way_to_it_is_told(attune_infra: Command) -> None:
    result = attune_infra("worker", "dispatch", "--id", "1")

    assert result.code == 1
    assert result.stderr.startswith("error: cannot publish to exchange attune.executions: NOT_FOUND - no exchange")
    assert "attune-infra setup" in result.stderr


@pytest.mark.parametrize("body", ["", "{", "no"])
def test_what_is_not_json_is_not_sent(attune_infra_alone: Command, body: str) -> None:
    result = attune_infra_alone("worker", "dispatch", "--id", "1", f"--body={body}")

    assert result.code == 64
    assert result.stderr.startswith("error: the body is not JSON: " if body else "error: --body is empty")
