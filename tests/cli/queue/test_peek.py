"""`attune-infra queue peek`: read messages, and leave all of them where they are."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import amqp
import pytest

from attune_infra.broker.http.management import Management
from attune_infra.errors import ExitCode
from attune_infra.messages.jsonl import read_lines
from support.as_a_user import Command, Result
from support.eventually import eventually
from support.limited import limited_user
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost

UNLIMITED = {"x-queue-type": "quorum", "x-delivery-limit": -1}
MARKED = "those that were read are marked as redelivered now"


def fill(channel: amqp.Channel, queue: str, bodies: Sequence[str | bytes], **arguments: object) -> None:
    """Declare a queue with messages in it."""
    given = {f"x-{name.replace('_', '-')}": value for name, value in arguments.items()}
    channel.queue_declare(queue, durable=True, auto_delete=False, arguments=given)
    for number, body in enumerate(bodies):
        message = amqp.Message(
            body,
            delivery_mode=2,
            message_id=f"m{number}",
            application_headers={"odd": bool(number % 2), "n": number},
        )
        channel.basic_publish(message, "", queue)
    if arguments.get("queue_type") != "stream":
        eventually(lambda: ready(channel, queue), len(bodies).__eq__)


def ready(channel: amqp.Channel, queue: str) -> int:
    count: int = channel.queue_declare(queue, passive=True).message_count
    return count


def bodies_in(channel: amqp.Channel, queue: str) -> list[str]:
    """Take everything out of a queue."""
    found = []
    while message := channel.basic_get(queue, no_ack=True):
        found.append(message.body)
    return found


def bodies_of(result: Result) -> list[str]:
    return [message["body"] for message in result.json["messages"]]


def test_messages_are_shown_and_stay(attune_infra: Command, channel: amqp.Channel) -> None:
    fill(channel, "jobs", ["one", "two", "three"])

    first = attune_infra("queue", "peek", "jobs", "--count", "2")
    second = attune_infra("queue", "peek", "jobs", "--count", "2", "-o", "json")

    assert (first.code, first.stderr) == (ExitCode.DONE, "")
    assert first.lines[0] == "1  default exchange, routing key jobs, 3 B"
    assert "    body: one" in first.lines
    assert "    header n: 0" in first.lines
    assert first.lines[-2:] == ["2 messages; all are still in queue jobs", MARKED]
    assert bodies_of(second) == ["one", "two"]
    assert [each["redelivered"] for each in second.json["messages"]] == [True, True]
    assert bodies_in(channel, "jobs") == ["one", "two", "three"]


def test_json_has_all_of_a_message(attune_infra: Command, channel: amqp.Channel) -> None:
    fill(channel, "jobs", [b"\xff"])

    [message] = attune_infra("queue", "peek", "jobs", "-o", "json").json["messages"]

    assert message == {
        "position": 1,
        "offset": None,
        "exchange": "",
        "routing_key": "jobs",
        "redelivered": False,
        "attempts": None,
        "size": 1,
        "properties": {"delivery_mode": 2, "message_id": "m0"},
        "headers": {"odd": False, "n": 0},
        "deaths": [],
        "body": None,
        "body_base64": "/w==",
        "is_cut": False,
    }


def test_nothing_in_a_message_acts_on_the_terminal(attune_infra: Command, channel: amqp.Channel) -> None:
    channel.queue_declare("jobs", durable=True, auto_delete=False)
    message = amqp.Message("a\x1b[31mb\r\nc", message_id="\x1b]0;x\x07", application_headers={"\x1bh": "\x9bv"})
    channel.basic_publish(message, "", "jobs")
    eventually(lambda: ready(channel, "jobs"), (1).__eq__)

    shown = attune_infra("queue", "peek", "jobs").stdout

    assert r"body: a\x1b[31mb\r\nc" in shown
    assert not any(character in shown for character in "\x1b\x07\x9b\r")


def test_a_long_body_is_cut_to_the_width(attune_infra: Command, channel: amqp.Channel) -> None:
    fill(channel, "jobs", ["x" * 100_000])

    narrow = attune_infra("queue", "peek", "jobs", environment={"COLUMNS": "60"})
    whole = attune_infra("queue", "peek", "jobs", "--verbose")
    [message] = attune_infra("queue", "peek", "jobs", "-o", "json").json["messages"]

    body = narrow.lines[-3]
    assert (len(body), body[-2:]) == (60, "x…")
    assert max(map(len, whole.lines)) > 60_000
    assert (message["is_cut"], message["size"], len(message["body"])) == (True, 100_000, 65_536)


@pytest.mark.parametrize("count", [3, 450, 2500])
def test_a_quorum_queue_without_a_limit_is_read(
    attune_infra: Command, channel: amqp.Channel, under_test: BrokerUnderTest, tmp_path: Path, count: int
) -> None:
    limit = {} if under_test.is_older_than((4, 0)) else {"delivery_limit": -1}
    fill(channel, "jobs", [str(number) for number in range(count)], queue_type="quorum", **limit)
    options = ("--yes",) if under_test.is_older_than((4, 0)) else ()

    looks = [
        attune_infra("queue", "peek", "jobs", "--save", str(tmp_path / name), *options) for name in ("a", "b", "c")
    ]

    assert {look.code for look in looks} == {ExitCode.DONE}
    for name in "abc":
        with (tmp_path / name).open("rb") as file:
            found = [each.message for each in read_lines(file, name)]
        assert [each.body for each in found] == [str(number).encode() for number in range(count)]
        assert all("x-delivery-count" not in each.headers for each in found)
    eventually(lambda: ready(channel, "jobs"), count.__eq__)
    assert bodies_in(channel, "jobs") == [str(number) for number in range(count)]


def test_a_quorum_queue_whose_order_changes_wants_consent(
    attune_infra: Command, channel: amqp.Channel, under_test: BrokerUnderTest
) -> None:
    if not under_test.is_older_than((4, 0)):
        pytest.skip("messages return to their place")
    fill(channel, "jobs", ["1", "2", "3"], queue_type="quorum")

    refused = attune_infra("queue", "peek", "jobs", "--count", "2")
    agreed = attune_infra.at_terminal("queue", "peek", "jobs", "--count", "2", typed="y\n")

    assert refused.code == ExitCode.REFUSED
    assert "RabbitMQ 3.10 puts what was read at the end of queue jobs: the order changes" in refused.stderr
    assert agreed.code == ExitCode.DONE
    assert "those that were read are at the end of the queue now" in agreed.stdout
    eventually(lambda: ready(channel, "jobs"), (3).__eq__)
    assert bodies_in(channel, "jobs") == ["3", "1", "2"]


@pytest.mark.parametrize("arguments", [{"delivery_limit": 2}, {"delivery_limit": 2, "dead_letter_exchange": "x"}])
def test_a_look_never_brings_a_message_to_its_limit(
    attune_infra: Command, channel: amqp.Channel, under_test: BrokerUnderTest, arguments: dict[str, Any]
) -> None:
    fill(channel, "jobs", ["1", "2"], queue_type="quorum", **arguments)

    looks = [attune_infra("queue", "peek", "jobs", "--yes") for _ in range(4)]

    if under_test.is_older_than((4, 3)):
        assert {look.code for look in looks} == {ExitCode.REFUSED}
        assert "counts each look at a message as a failed delivery" in looks[0].stderr
    else:
        assert {look.code for look in looks} == {ExitCode.DONE}
    eventually(lambda: ready(channel, "jobs"), (2).__eq__)
    assert bodies_in(channel, "jobs") == ["1", "2"]


def by_get(management: Management, vhost: VirtualHost, mode: str) -> Callable[[], object]:
    body = {"count": 1, "ackmode": mode, "encoding": "auto"}
    return lambda: management.post("queues", vhost.name, "jobs", "get", body=body)


@pytest.mark.parametrize("way", ["nack", "reject", "close", "ack_requeue_true", "reject_requeue_true"])
def test_what_peek_relies_on_is_so(
    channel: amqp.Channel, vhost: VirtualHost, management: Management, under_test: BrokerUnderTest, way: str
) -> None:
    """Before 4.3, a quorum queue counts each way of giving a message back; since then, all but nack."""
    fill(channel, "jobs", ["1"], queue_type="quorum", delivery_limit=2)

    def look() -> None:
        if way.endswith("_true"):
            by_get(management, vhost, way)()
            return
        client = vhost.client()
        own = client.channel()
        eventually(lambda: own.basic_get("jobs"), lambda got: got is not None)
        if way == "nack":
            own.send_method(amqp.spec.Basic.Nack, "Lbb", (1, False, True))
        elif way == "reject":
            own.basic_reject(1, requeue=True)
        client.close()

    counts = under_test.is_older_than((4, 3)) or way not in {"nack", "ack_requeue_true"}
    for _ in range(3):
        eventually(lambda: ready(channel, "jobs"), (1).__eq__)
        look()

    eventually(lambda: ready(channel, "jobs"), (0 if counts else 1).__eq__)


def test_a_stream_is_read_from_an_offset_as_often_as_wanted(attune_infra: Command, channel: amqp.Channel) -> None:
    fill(channel, "log", [str(number) for number in range(1499)], queue_type="stream")
    channel.confirm_select()
    channel.basic_publish_confirm(amqp.Message("last"), "", "log")

    first = attune_infra("queue", "peek", "log", "--count", "2")
    last = attune_infra("queue", "peek", "log", "--offset", "last", "--count", "1000", "-o", "json")
    late = attune_infra("queue", "peek", "log", "--offset", "1499", "-o", "json")
    all_ = attune_infra("queue", "peek", "log", "--where", "n=1400", "-o", "json")

    assert first.lines[0] == "1  default exchange, routing key log, 1 B, offset 0"
    assert first.lines[-1] == "2 messages; all are still in queue log"
    assert [each["offset"] for each in late.json["messages"]] == [1499]
    assert bodies_of(last)[-1] == "last"
    assert (all_.json["read"], all_.json["messages"][0]["position"]) == (1500, 1401)
    assert all_.json["note"] == ""


def test_a_queue_that_ends_with_its_last_consumer_stays(attune_infra: Command, channel: amqp.Channel) -> None:
    channel.queue_declare("jobs", durable=True, auto_delete=True)
    channel.basic_publish(amqp.Message("1"), "", "jobs")
    eventually(lambda: ready(channel, "jobs"), (1).__eq__)

    assert bodies_of(attune_infra("queue", "peek", "jobs", "-o", "json")) == ["1"]
    assert bodies_in(channel, "jobs") == ["1"]


def test_messages_are_selected(attune_infra: Command, channel: amqp.Channel) -> None:
    fill(channel, "jobs", [str(number) for number in range(9)])

    odd = attune_infra("queue", "peek", "jobs", "--where", "odd=true", "--count", "2", "-o", "json")
    none = attune_infra("queue", "peek", "jobs", "--where", "odd=true", "--where", "message_id=m2")

    assert bodies_of(odd) == ["1", "3"]
    assert [each["position"] for each in odd.json["messages"]] == [2, 4]
    assert none.lines == ["0 messages of 9 that were read; all are still in queue jobs", MARKED]
    assert bodies_in(channel, "jobs") == [str(number) for number in range(9)]


@pytest.mark.any_broker
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--where", "reason=old"), "--where: 'old' is no reason of death"),
        (("--where", "x"), "--where: expected NAME=VALUE, got 'x'"),
        (("--offset", "next"), "--offset: 'next' is no place in a stream"),
        (("--count", "1001"), "--count: more than 1000 messages are too many to show"),
        (("--count", "0"), "--count takes a number, at least 1; 0 is not"),
    ],
)
def test_wrong_options_are_refused(attune_infra: Command, options: Sequence[str], sentence: str) -> None:
    result = attune_infra("queue", "peek", "jobs", *options)

    assert result.code == ExitCode.WRONG_USAGE
    assert sentence in result.stderr


@pytest.mark.any_broker
def test_an_empty_or_missing_queue_is_said(attune_infra: Command, channel: amqp.Channel) -> None:
    fill(channel, "jobs", [])

    assert attune_infra("queue", "peek", "jobs").lines == ["queue jobs has no message that is ready"]
    missing = attune_infra("queue", "peek", "jbs")
    assert missing.code == ExitCode.FAILED
    assert "queue 'jbs' does not exist; did you mean 'jobs'?" in missing.stderr


def test_the_queue_of_another_connection_cannot_be_read(attune_infra: Command, channel: amqp.Channel) -> None:
    channel.queue_declare("mine", exclusive=True)

    result = attune_infra("queue", "peek", "mine")

    assert result.code == ExitCode.FAILED
    assert "queue mine could not be read: " in result.stderr
    assert "another connection has it alone" in result.stderr


def test_a_user_without_permission_is_told(
    vhost: VirtualHost, management: Management, channel: amqp.Channel
) -> None:
    fill(channel, "jobs", ["1"])
    with limited_user(vhost, management, "looker") as user:
        user.may([], tags=["management"])
        environment = {"ATTUNE__MESSAGE_QUEUE__URL": user.amqp_url}
        environment["ATTUNE__MESSAGE_QUEUE__MANAGEMENT_URL"] = user.management_url
        result = Command(environment)("queue", "peek", "jobs")

    assert result.code == ExitCode.FAILED
    assert "needs read permission on queue jobs: rabbitmqctl set_permissions" in result.stderr


def test_messages_are_saved_for_their_owner_alone(
    attune_infra: Command, channel: amqp.Channel, tmp_path: Path
) -> None:
    fill(channel, "jobs", [str(number) for number in range(450)])
    file = tmp_path / "jobs.jsonl"

    saved = attune_infra("queue", "peek", "jobs", "--save", str(file))
    again = attune_infra("queue", "peek", "jobs", "--save", str(file))

    assert saved.lines[0] == f"450 messages of queue jobs saved in {file}; all are still in the queue"
    assert file.stat().st_mode & 0o777 == 0o600
    assert [json.loads(line)["body"] for line in file.read_text().splitlines()] == [str(n) for n in range(450)]
    assert again.code == ExitCode.FAILED
    assert f"{file} exists" in again.stderr
    assert ready(channel, "jobs") == 450


@pytest.mark.any_broker
def test_a_file_that_cannot_be_written_is_said(
    attune_infra: Command, channel: amqp.Channel, tmp_path: Path
) -> None:
    fill(channel, "jobs", ["x" * 100_000])

    missing = attune_infra("queue", "peek", "jobs", "--save", str(tmp_path / "no" / "f"))
    full = attune_infra("queue", "peek", "jobs", "--save", "/dev/full")

    assert "cannot write" in missing.stderr
    assert "/dev/full exists" in full.stderr
    assert ready(channel, "jobs") == 1


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_look_gives_everything_back(
    attune_infra: Command, channel: amqp.Channel, tmp_path: Path, signal_: signal.Signals
) -> None:
    fill(channel, "jobs", [str(number) for number in range(20_000)])
    file = tmp_path / "jobs.jsonl"
    process = attune_infra.start("queue", "peek", "jobs", "--save", str(file))
    eventually(lambda: file.exists() and file.stat().st_size > 0, bool)

    os.kill(process.pid, signal_)
    process.communicate(timeout=60)

    assert process.returncode in {0, 130, 128 + signal_}
    assert file.exists() is (process.returncode == 0)
    eventually(lambda: ready(channel, "jobs"), (20_000).__eq__)
