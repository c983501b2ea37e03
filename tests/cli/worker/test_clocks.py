"""Clocks that are off, and clocks that jump while a command runs: durations are by one that nobody can set."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import amqp
import psycopg
import pytest

from attune_infra.settings import AMQP_URL, MANAGEMENT_URL
from support.as_a_user import TIMEOUT, Command, Result
from support.eventually import eventually
from support.fleet import Fleet, send, statuses
from support.moved_clock import MovedClock
from support.proxy import Proxy
from support.servers import closed_port
from support.virtual_host import VirtualHost

pytestmark = pytest.mark.any_broker

BACK = tuple(f"-{days}d" for days in range(1, 2000))
"""A clock that is set back a day, again and again: a wait until a time of it would never end."""
FORTH = tuple(f"+{days}d" for days in range(1, 2000))
"""A clock that is set ahead a day, again and again: a wait until a time of it would end at once."""
COMMANDS = ("setup", "diff", "verify", "worker list", "worker verify --all", "lint --live")

SLEEPING = frozenset({"move", "verify", "--wait"})
"""Words of commands that call `time.sleep`."""


@pytest.fixture
def clock(tmp_path: Path) -> MovedClock:
    return MovedClock.at(tmp_path, "+0")


def finish(run: Command, clock: MovedClock, *words: str, **environment: str) -> Result:
    """Run a command by the moved clock, to its end."""
    moved = clock.environment_of_python if SLEEPING.intersection(words) else clock.environment
    process = run.start(*words, environment={**moved, **environment})
    try:
        output, talk = process.communicate(timeout=TIMEOUT)
    finally:
        process.kill()
    return Result(process.returncode, output, talk)


def without_times(result: Result) -> tuple[int, Any]:
    """Return a result in JSON, without the times and ages in it."""

    def strip(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: strip(each) for key, each in value.items() if key not in {"time", "heartbeat_age_seconds"}
            }
        return [strip(each) for each in value] if isinstance(value, list) else value

    assert result.stdout, result
    return result.code, strip(json.loads(result.stdout))


@pytest.mark.parametrize("offset", ["+400d", "-400d"])
def test_a_clock_that_is_off_changes_no_result(
    run: Command, clock: MovedClock, channel: amqp.Channel, offset: str
) -> None:
    assert run("worker", "enlist", "--name", "w").code == 0
    channel.queue_declare("q", durable=True, auto_delete=False)
    channel.basic_publish(amqp.Message("m"), "", "q")
    clock.set(offset)

    for words in COMMANDS:
        arguments = (*words.split(), "-o", "json")
        assert without_times(finish(run, clock, *arguments)) == without_times(run(*arguments)), words


@pytest.mark.parametrize("offset", ["+400d", "-400d"])
def test_doctor_names_a_clock_that_is_off(run: Command, clock: MovedClock, offset: str) -> None:
    clock.set(offset)

    checks = {each["name"]: each for each in finish(run, clock, "doctor", "-o", "json").json["checks"]}

    for name in ("clock of the broker", "clock of PostgreSQL"):
        assert checks[name]["verdict"] == "problem", checks[name]
        way = "behind" if offset.startswith("+") else "ahead of"
        assert f" s {way} the clock of this machine" in checks[name]["detail"]


@pytest.mark.broker  # each release writes this moment in a way of its own
@pytest.mark.parametrize("offset", ["+400d", "-400d"])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
def test_a_queue_is_idle_by_the_clock_of_the_broker(
    run: Command, clock: MovedClock, channel: amqp.Channel, offset: str, zone: str
) -> None:
    channel.queue_declare("idle", durable=True, auto_delete=False)
    clock.set(offset)

    def look() -> Any:
        queues = finish(run, clock, "queues", "-o", "json", TZ=zone).json["queues"]
        return next(each for each in queues if each["name"] == "idle")

    found = eventually(look, lambda each: each["idle_since"] is not None, within=40)

    assert 0 <= found["idle_seconds"] < 600


def test_a_heartbeat_of_the_future_is_no_age(run: Command, database_url: str) -> None:
    assert run("worker", "enlist", "--name", "w").code == 0
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE worker SET last_heartbeat = now() + interval '1 hour'")

    [worker] = run("worker", "list", "-o", "json").json["workers"]

    assert worker["heartbeat_age_seconds"] == 0
    [finding] = [each for each in worker["findings"] if each["code"] == "worker-heartbeat-ahead"]
    assert "s in the future, so its age is unknown" in finding["detail"]
    assert 'attune_worker_heartbeat_age_seconds{name="w",worker_id="1"} 0.0' in run("metrics").stdout


@contextmanager
def held(vhost: VirtualHost) -> Iterator[dict[str, str]]:
    """Yield the environment of a broker that answers nothing, over AMQP and HTTP."""
    amqp_port, management_port = vhost.ports
    with Proxy(amqp_port, hold_after=0) as one, Proxy(management_port, hold_after=0) as two:
        there = vhost.at([one.port], [two.port])
        yield {AMQP_URL.variable: there.amqp_url, MANAGEMENT_URL.variable: there.management_url}


@pytest.mark.parametrize("words", ["diff --timeout 1", "worker dispatch --id 1 --timeout 1", "diff --deadline 1"])
def test_a_wait_for_an_answer_ends_though_the_clock_is_set_back(
    run: Command, clock: MovedClock, vhost: VirtualHost, words: str
) -> None:
    with held(vhost) as environment, clock.jumping(*BACK):
        result = finish(run, clock, *words.split(), **environment)

    assert (result.code, "Traceback" in result.stderr) == (1, False), result


def test_a_wait_for_a_server_ends_though_the_clock_is_set_back(run: Command, clock: MovedClock) -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    with clock.jumping(*BACK):
        result = finish(run, clock, "diff", "--wait", "1", **{MANAGEMENT_URL.variable: url})

    assert (result.code, "Traceback" in result.stderr) == (1, False), result


@pytest.mark.parametrize("words", ["tap amq.topic --for 1", "queue move q to --yes", "queue peek q"])
def test_messages_are_moved_and_watched_though_the_clock_is_set_back(
    run: Command, clock: MovedClock, channel: amqp.Channel, words: str
) -> None:
    for name in ("q", "to"):
        channel.queue_declare(name, durable=True, auto_delete=False)
    for number in range(100):
        channel.basic_publish(amqp.Message(str(number), delivery_mode=2), "", "q")
    with clock.jumping(*BACK):
        assert finish(run, clock, *words.split()).code == 0


@pytest.mark.parametrize("offsets", [BACK, FORTH], ids=["back", "forth"])
def test_a_worker_goes_on_though_the_clock_jumps(
    run: Command, fleet: Fleet, clock: MovedClock, channel: amqp.Channel, offsets: tuple[str, ...]
) -> None:
    by_the_clock = Fleet(Command({**run.environment, **clock.environment}), fleet.folder)
    try:
        with clock.jumping(*offsets):
            worker = by_the_clock.start("w", "--heartbeat", "0.2", "--handler-timeout", "30", command="sleep 0.05")
            by_the_clock.wait_until_consuming("w")
            send(channel, *range(20))
            eventually(fleet.handled_ids, lambda found: found == list(range(20)), within=40)
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(timeout=TIMEOUT) == 0
    finally:
        by_the_clock.close()

    assert fleet.talk("w").count(" done\n") == 20
    assert fleet.talk("w").splitlines()[-1] == "worker 1 has stopped"
    assert "no heartbeat" not in fleet.talk("w")
    assert statuses(run) == [(1, "inactive")]
