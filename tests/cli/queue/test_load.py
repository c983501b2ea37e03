"""`attune-infra queue load`: publish the messages of a file, and lose none without a word."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import amqp
import pytest

from attune_infra.errors import ExitCode
from attune_infra.messages.encoding import encode
from attune_infra.messages.jsonl import format_line, read_lines
from attune_infra.messages.model import StoredMessage
from support.as_a_user import Command
from support.eventually import eventually
from support.proxy import Proxy
from support.virtual_host import VirtualHost

ODD_TYPES = b"\x20\x00\x00\x00\x00\x14\x01bb\xff\x01ss\xff\xff\x01LL\x00\x00\x00\x00\x00\x00\x00\x01"
"""Headers in widths that py-amqp does not send."""


def write(file: Path, lines: Iterable[dict[str, Any]]) -> Path:
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return file


def numbers(file: Path, count: int, body: str = "") -> Path:
    """Write messages whose ids are the numbers of their lines."""
    return write(file, ({"properties": {"message_id": str(n + 1)}, "body": body} for n in range(count)))


def declare(channel: amqp.Channel, queue: str, **arguments: object) -> None:
    given = {f"x-{name.replace('_', '-')}": value for name, value in arguments.items()}
    channel.queue_declare(queue, durable=True, auto_delete=False, arguments=given)


def ready(channel: amqp.Channel, queue: str) -> int:
    count: int = channel.queue_declare(queue, passive=True).message_count
    return count


def ids_in(channel: amqp.Channel, queue: str) -> list[int]:
    """Take everything out of a queue; return the ids."""
    found = []
    while message := channel.basic_get(queue, no_ack=True):
        found.append(int(message.properties["message_id"]))
    return found


@pytest.mark.parametrize("kind", ["classic", "quorum", "stream"])
def test_a_file_is_loaded_in_its_order(
    attune_infra: Command, channel: amqp.Channel, tmp_path: Path, kind: str
) -> None:
    declare(channel, "jobs", queue_type=kind)
    file = numbers(tmp_path / "m.jsonl", 3000)

    result = attune_infra("queue", "load", str(file), "jobs")

    assert (result.code, result.stderr) == (ExitCode.DONE, "")
    assert result.lines == ["+ 3000 messages loaded into queue jobs"]
    if kind != "stream":
        eventually(lambda: ready(channel, "jobs"), (3000).__eq__)
        assert ids_in(channel, "jobs") == [*range(1, 3001)]


def test_every_type_comes_back_byte_for_byte(attune_infra: Command, channel: amqp.Channel, tmp_path: Path) -> None:
    """RabbitMQ 4.3 sorts headers when it takes a message; what it holds then is what counts."""
    declare(channel, "jobs")
    declare(channel, "copies")
    big = bytes(range(256)) * 2000
    plain = encode({"timestamp": 1, "priority": 3, "expiration": "900000"})
    written = [
        StoredMessage(exchange="", routing_key="", redelivered=False, encoded=encoded, body=body)
        for encoded, body in ((ODD_TYPES, b""), (plain, big))
    ]
    tmp_path.joinpath("written").write_bytes(b"".join(map(format_line, written)))

    for queue, source, target in (("jobs", "written", "first"), ("copies", "first", "second")):
        assert attune_infra("queue", "load", source, queue, folder=tmp_path).code == ExitCode.DONE
        assert attune_infra("queue", "peek", queue, "--save", target, folder=tmp_path).code == ExitCode.DONE

    first, second = (saved_in(tmp_path / name) for name in ("first", "second"))
    assert [(each.encoded, each.body) for each in first] == [(each.encoded, each.body) for each in second]
    assert [first[1].encoded, first[1].body] == [plain, big]
    assert b"\x01bb\xff" in first[0].encoded
    assert b"\x01ss\xff\xff" in first[0].encoded


def saved_in(file: Path) -> list[StoredMessage]:
    with file.open("rb") as lines:
        return [each.message for each in read_lines(lines, file.name)]


def test_an_exchange_gets_each_with_its_own_key(
    attune_infra: Command, channel: amqp.Channel, tmp_path: Path
) -> None:
    declare(channel, "jobs")
    channel.queue_bind("jobs", "amq.topic", "job.#")
    file = write(tmp_path / "m.jsonl", [{"routing_key": key, "body": key} for key in ("job.1", "other", "job.2")])

    own = attune_infra("queue", "load", str(file), "--exchange", "amq.topic")
    fixed = attune_infra("queue", "load", str(file), "--exchange", "amq.topic", "--key", "job.3", "-o", "json")

    assert own.code == ExitCode.PARTLY_DONE
    assert own.lines == [
        f"! {file}:2: it reached no queue (NO_ROUTE)",
        "+ 2 messages loaded into exchange amq.topic",
    ]
    assert (fixed.json["confirmed"], fixed.json["failed"], fixed.json["exchange"]) == (3, [], "amq.topic")
    assert ready(channel, "jobs") == 5
    got = channel.basic_get("jobs", no_ack=True)
    assert (got.delivery_info["exchange"], got.delivery_info["routing_key"]) == ("amq.topic", "job.1")


def test_a_queue_that_is_full_is_said_line_by_line(
    attune_infra: Command, channel: amqp.Channel, tmp_path: Path
) -> None:
    declare(channel, "jobs", max_length=5, overflow="reject-publish")
    file = numbers(tmp_path / "m.jsonl", 30)

    result = attune_infra("queue", "load", str(file), "jobs", "-o", "json")

    failed = [each["line"] for each in result.json["failed"]]
    kept = ids_in(channel, "jobs")
    assert result.code == ExitCode.PARTLY_DONE
    assert "RabbitMQ did not take it (nack)" in result.json["failed"][0]["why"]
    assert result.json["confirmed"] == len(kept)
    assert sorted(failed + kept) == [*range(1, 31)]


def test_too_many_failures_end_it(attune_infra: Command, tmp_path: Path) -> None:
    file = numbers(tmp_path / "m.jsonl", 10_000)

    result = attune_infra("queue", "load", str(file), "--exchange", "amq.topic")
    data = attune_infra("queue", "load", str(file), "--exchange", "amq.topic", "-o", "json").json

    assert result.code == ExitCode.FAILED
    assert len([line for line in result.lines if "it reached no queue" in line]) == 20
    assert "messages have failed; the rest was not tried" in result.stdout
    assert 100 <= len(data["failed"]) < 10_000
    assert data["next_line"] == len(data["failed"]) + 1
    assert data["doubtful"] is None


def test_a_wrong_line_ends_it_after_those_before(
    attune_infra: Command, channel: amqp.Channel, tmp_path: Path
) -> None:
    declare(channel, "jobs")
    file = numbers(tmp_path / "m.jsonl", 3)
    good = file.read_text()
    file.write_text(good.replace('{"properties": {"message_id": "3"}', "oops"))

    wrong = attune_infra("queue", "load", str(file), "jobs")
    file.write_text(good)
    rest = attune_infra("queue", "load", str(file), "jobs", "--from-line", "3")

    assert wrong.code == ExitCode.PARTLY_DONE
    assert wrong.lines[0] == "+ 2 messages loaded into queue jobs"
    assert wrong.lines[1].startswith(f"! not done: {file}:3: not JSON")
    assert wrong.lines[-1] == "go on with --from-line 3"
    assert rest.lines == ["+ 1 message loaded into queue jobs"]
    assert ids_in(channel, "jobs") == [1, 2, 3]


def test_what_a_message_gives_up_is_said(attune_infra: Command, channel: amqp.Channel, tmp_path: Path) -> None:
    declare(channel, "jobs")
    declare(channel, "others")
    lines = [
        {"properties": {"user_id": "somebody"}, "body": "1"},
        {"headers": {"CC": ["others"]}, "body": "2"},
    ]

    result = attune_infra("queue", "load", str(write(tmp_path / "m.jsonl", lines)), "jobs")

    assert result.code == ExitCode.DONE
    assert "~ 1 without user_id: it named another user than the login" in result.lines
    assert "~ 1 without the header CC or BCC: it would have sent them to other queues too" in result.lines
    assert (ready(channel, "jobs"), ready(channel, "others")) == (2, 0)


@pytest.mark.any_broker
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("", "no destination is given"),
        ("jobs --exchange x", "a queue and --exchange are given"),
        ("jobs --key k", "--key is for --exchange"),
        ("jbs", "queue 'jbs' does not exist; did you mean 'jobs'?"),
        ("--exchange x", "exchange 'x' does not exist"),
    ],
)
def test_a_wrong_destination_is_refused(
    attune_infra: Command,
    channel: amqp.Channel,
    tmp_path: Path,
    arguments: str,
    sentence: str,
) -> None:
    declare(channel, "jobs")

    result = attune_infra("queue", "load", str(numbers(tmp_path / "m.jsonl", 1)), *arguments.split())

    assert result.code in {ExitCode.WRONG_USAGE, ExitCode.FAILED}
    assert ready(channel, "jobs") == 0
    assert sentence in result.stderr


@pytest.mark.any_broker
def test_a_missing_file_is_refused(attune_infra: Command, tmp_path: Path) -> None:
    result = attune_infra("queue", "load", str(tmp_path / "no.jsonl"), "jobs")

    assert result.code == ExitCode.FAILED
    assert "cannot read" in result.stderr


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_load_goes_on_without_loss_or_double(
    attune_infra: Command, channel: amqp.Channel, tmp_path: Path, signal_: signal.Signals
) -> None:
    declare(channel, "jobs")
    count = 60_000
    file = numbers(tmp_path / "m.jsonl", count)
    process = attune_infra.start("queue", "load", str(file), "jobs", "-o", "json")
    eventually(lambda: ready(channel, "jobs"), lambda found: found > 0)

    os.kill(process.pid, signal_)
    output, _ = process.communicate(timeout=60)
    found = json.loads(output)

    assert process.returncode == (ExitCode.DONE if found["next_line"] is None else ExitCode.PARTLY_DONE)
    assert (found["failed"], found["doubtful"]) == ([], None)
    if found["next_line"] is not None:
        assert found["confirmed"] == ready(channel, "jobs") == found["next_line"] - 1
        again = attune_infra("queue", "load", str(file), "jobs", "--from-line", str(found["next_line"]))
        assert again.code == ExitCode.DONE
    assert ids_in(channel, "jobs") == [*range(1, count + 1)]


@pytest.mark.parametrize("cut_after", [60_000, 300_000, 2_000_000])
def test_a_cut_load_says_what_is_in_doubt(
    vhost: VirtualHost, attune_infra: Command, channel: amqp.Channel, tmp_path: Path, cut_after: int
) -> None:
    declare(channel, "jobs")
    count = 20_000
    file = numbers(tmp_path / "m.jsonl", count, body="x" * 200)
    port = urlsplit(vhost.amqp_url).port
    assert port is not None
    with Proxy(port, cut_after=cut_after) as proxy:
        url = {"ATTUNE__MESSAGE_QUEUE__URL": vhost.amqp_url_through(proxy.port)}
        cut = attune_infra("queue", "load", str(file), "jobs", "-o", "json", environment=url)

    first = cut.json["next_line"]
    doubtful = cut.json["doubtful"] or {"first": first, "last": first - 1}
    assert cut.code in {ExitCode.PARTLY_DONE, ExitCode.FAILED}
    assert doubtful["first"] == first
    again = attune_infra("queue", "load", str(file), "jobs", "--from-line", str(first))
    assert again.code == ExitCode.DONE
    times = Counter(ids_in(channel, "jobs"))
    assert set(times) == set(range(1, count + 1))
    assert all(doubtful["first"] <= line <= doubtful["last"] for line, found in times.items() if found > 1)


def test_a_queue_deleted_meanwhile_loses_nothing_silently(
    attune_infra: Command, vhost: VirtualHost, tmp_path: Path
) -> None:
    client = vhost.client()
    channel = client.channel()
    declare(channel, "jobs")
    file = numbers(tmp_path / "m.jsonl", 60_000)
    process = attune_infra.start("queue", "load", str(file), "jobs", "-o", "json")
    eventually(lambda: ready(channel, "jobs"), lambda found: found > 0)

    channel.queue_delete("jobs")
    output, _ = process.communicate(timeout=60)
    client.close()

    found = json.loads(output)
    assert process.returncode == ExitCode.PARTLY_DONE
    decided = found["confirmed"] + len(found["failed"])
    assert found["next_line"] in {None, decided + 1}
    assert found["failed"][0]["why"] == "it reached no queue (NO_ROUTE)"
