"""`attune-infra worker run` with handlers that hang, flood, die or leave children, and with odd bodies."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import amqp
import pytest

from attune_infra.broker.rabbitmq import RabbitMQ
from support.as_a_user import Command
from support.eventually import eventually
from support.fleet import Fleet, send

pytestmark = pytest.mark.any_broker

MIB = 1 << 20
GIB = 1 << 30


def memory_of(pid: int) -> int:
    """Return the most memory that a process ever had, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    [found] = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(found) * 1024


def publish(channel: amqp.Channel, *bodies: bytes) -> None:
    channel.confirm_select()
    for number, body in enumerate(bodies):
        message = amqp.Message(body, message_id=f"m{number}", delivery_mode=2)
        channel.basic_publish_confirm(message, "attune.executions", "worker.1")


def test_a_handler_that_hangs_is_ended_and_its_message_is_a_dead_letter(
    fleet: Fleet, channel: amqp.Channel, broker: RabbitMQ
) -> None:
    hang = 'case "$line" in *slow*) sleep 60 & wait; esac'
    fleet.start("w", "--handler-timeout", "1s", command=hang)
    fleet.wait_until_consuming("w")

    send(channel, "slow", "fast")

    fleet.wait_for_words("w", "message number 2 done\n")
    assert "message number 1: the command ran for more than 1 s: its processes get SIGTERM\n" in fleet.talk("w")
    assert "message number 1 rejected: the command ran for more than 1 s\n" in fleet.talk("w")
    eventually(lambda: broker.contents("attune.dlx.queue"), (1, 0).__eq__)


def test_on_request_its_message_is_tried_again_but_not_for_ever(fleet: Fleet, channel: amqp.Channel) -> None:
    options = ("--handler-timeout", "500ms", "--on-timeout", "requeue", "--max-attempts", "2")
    fleet.start("w", *options, command="sleep 60")
    fleet.wait_until_consuming("w")

    send(channel, "slow")

    fleet.wait_for_words("w", "message number 2 rejected: the command ran for more than 0.5 s\n")
    again = "message number 1 given back to its queue: the command ran for more than 0.5 s (attempt 1 of 2)\n"
    assert again in fleet.talk("w")
    assert fleet.handled_ids() == ["slow", "slow"]


def test_a_gigabyte_of_output_passes_through(run: Command, channel: amqp.Channel, tmp_path: Path) -> None:
    """The worker reads none of it."""
    run("worker", "enlist", "--name", "w")
    publish(channel, b"{}")
    with (tmp_path / "talk").open("w", encoding="utf-8") as talk:
        worker = run.start("worker", "run", "--name", "w", "--exec", f"head -c {GIB} /dev/zero", talk=talk)
    with subprocess.Popen(["wc", "-c"], stdin=worker.stdout, stdout=subprocess.PIPE) as reader:
        eventually(lambda: "message m0 done" in (tmp_path / "talk").read_text(encoding="utf-8"), bool, within=60)
        most = memory_of(worker.pid)
        worker.send_signal(signal.SIGTERM)
        worker.communicate()

        assert reader.stdout is not None
        assert int(reader.stdout.read()) == GIB
    assert most < 150 * MIB


def test_output_that_nobody_reads_holds_up_no_more_than_its_handler(fleet: Fleet, channel: amqp.Channel) -> None:
    flood = 'case "$line" in *loud*) head -c 1000000 /dev/zero; esac'
    fleet.start("w", "--handler-timeout", "1s", command=flood)  # into a pipe that this test never reads
    fleet.wait_until_consuming("w")

    send(channel, "loud", "quiet")

    fleet.wait_for_words("w", "message number 2 done\n")
    assert "message number 1 rejected: the command ran for more than 1 s\n" in fleet.talk("w")


def test_children_that_keep_pipes_hold_up_nothing(fleet: Fleet, channel: amqp.Channel) -> None:
    worker = fleet.start("w", command="sleep 65 & echo; kill -SEGV $$")
    fleet.wait_until_consuming("w")
    send(channel, "a")
    fleet.wait_for_words("w", "message number 1 rejected: SIGSEGV killed the command\n")

    worker.send_signal(signal.SIGTERM)

    output, _ = worker.communicate(timeout=20)  # until nobody has the worker's standard output any more
    assert (worker.returncode, output) == (0, "\n")


def test_bodies_that_are_no_json_are_dead_letters(fleet: Fleet, channel: amqp.Channel, broker: RabbitMQ) -> None:
    worker = fleet.start("w")
    fleet.wait_until_consuming("w")

    publish(channel, b"", b'{"a": "\xff"}', 200_000 * b"[", b"{}")

    fleet.wait_for_words("w", "message m3 done\n")
    talk = fleet.talk("w")
    assert "message m0 rejected: it is not JSON: it ends too early, at byte 0\n" in talk
    assert "message m1 rejected: it is not UTF-8 at byte 7\n" in talk
    assert "message m2 rejected: it is nested more than 1000 levels deep at byte 1000\n" in talk
    assert "Traceback" not in talk
    eventually(lambda: broker.contents("attune.dlx.queue"), (3, 0).__eq__)
    assert worker.poll() is None


@pytest.mark.parametrize("command", [":", "exit 1"])
def test_a_large_body_is_in_memory_twice_at_most(
    fleet: Fleet, channel: amqp.Channel, broker: RabbitMQ, command: str
) -> None:
    """RabbitMQ 4 takes messages of up to 16 MiB, unless it is configured otherwise."""
    worker = fleet.start("w", command=f"cat >/dev/null; {command}")
    fleet.wait_until_consuming("w")
    before = memory_of(worker.pid)
    body = b'{"message_id": 1}\n' + 15 * MIB * b" "

    publish(channel, body)

    fleet.wait_for_words("w", "message m0 rejected" if command != ":" else "message m0 done")
    assert memory_of(worker.pid) - before < 2.5 * len(body)
    eventually(lambda: broker.contents("attune.dlx.queue"), (int(command != ":"), 0).__eq__)
