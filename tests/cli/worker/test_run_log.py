"""`attune-infra worker run` as a service: its log lines, and its endpoints for probes."""

from __future__ import annotations

import json
import re
import shlex
import signal
from pathlib import Path

import amqp
import pytest
import requests

from attune_infra.sandbox import BoundSandbox
from support.as_a_user import Command
from support.eventually import eventually
from support.fleet import Fleet, send

pytestmark = pytest.mark.any_broker


def lines_of(fleet: Fleet, name: str) -> list[str]:
    return (fleet.folder / name).read_text(encoding="utf-8").splitlines()


def test_its_log_is_json_lines_on_request(fleet: Fleet, channel: amqp.Channel) -> None:
    worker = fleet.start("w", "--log-format", "json", command="exit 3")
    eventually(lambda: lines_of(fleet, "w"), lambda lines: any("consumes" in line for line in lines), within=40)
    send(channel, "fails")
    eventually(lambda: lines_of(fleet, "w"), lambda lines: any("rejected" in line for line in lines), within=40)

    worker.send_signal(signal.SIGTERM)

    assert worker.wait(timeout=20) == 0
    lines = [json.loads(line) for line in lines_of(fleet, "w")]
    assert {frozenset(line) for line in lines} == {frozenset({"time", "level", "worker", "message"})}
    assert {line["worker"] for line in lines} == {"w"}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"]) for line in lines)
    levels = {line["message"].partition(" ")[0]: line["level"] for line in lines}
    assert levels["target:"] == levels["worker"] == levels["stopping:"] == "info"
    assert levels["message"] == "warning"


def test_elsewhere_than_on_a_terminal_its_log_is_pairs(fleet: Fleet) -> None:
    fleet.start("w")
    fleet.wait_until_consuming("w")

    for line in lines_of(fleet, "w"):
        assert [part.partition("=")[0] for part in shlex.split(line)] == ["time", "level", "worker", "msg"]


@pytest.mark.parametrize(("log_format", "beginning"), [("json", '{"time": '), ("text", "time=")])
def test_the_error_that_ends_it_is_a_line_too(attune_infra: Command, log_format: str, beginning: str) -> None:
    result = attune_infra("worker", "run", "--name", "w", "--log-format", log_format)

    assert result.code == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith(beginning)
    assert "no database is configured" in last
    assert "error" in last
    assert "hint" in last


def test_on_a_terminal_its_log_is_sentences(attune_infra: Command) -> None:
    shown = attune_infra.at_terminal("worker", "run", "--name", "w", typed="").stdout

    assert "\nerror: no database is configured" in f"\n{shown}"
    assert "level=" not in shown


def ready(fleet: Fleet, name: str) -> tuple[int, str]:
    found = re.search(r"health is at (http://127\.0\.0\.1:\d+)/healthz", fleet.talk(name))
    if found is None:
        return 0, ""
    assert requests.get(f"{found[1]}/healthz", timeout=10).text == "ok\n"
    answer = requests.get(f"{found[1]}/readyz", timeout=10)
    return answer.status_code, answer.text


def test_it_is_ready_while_it_consumes(fleet: Fleet, channel: amqp.Channel, tmp_path: Path) -> None:
    done = tmp_path / "done"
    worker = fleet.start("w", "--health", "127.0.0.1:0", command=f"until [ -e {done} ]; do sleep 0.05; done")
    eventually(lambda: ready(fleet, "w"), (200, "ok\n").__eq__, within=40)
    send(channel, "long")
    eventually(fleet.handled_ids, bool)

    worker.send_signal(signal.SIGTERM)

    eventually(lambda: ready(fleet, "w"), (503, "the worker is stopping\n").__eq__)
    done.touch()
    assert worker.wait(timeout=20) == 0


def test_it_is_not_ready_before_it_is_registered(fleet: Fleet, sandbox: BoundSandbox) -> None:
    sandbox.stop_database()
    try:
        fleet.start("w", "--health", "127.0.0.1:0")

        _, reason = eventually(lambda: ready(fleet, "w"), lambda found: "cannot reach" in found[1], within=40)
    finally:
        sandbox.start_database()

    assert "postgres:" not in reason  # no password
    eventually(lambda: ready(fleet, "w"), (200, "ok\n").__eq__, within=40)


def test_a_port_that_is_taken_is_told_before_it_registers(attune_infra_with_registry: Command) -> None:
    result = attune_infra_with_registry("worker", "run", "--health", "192.0.2.1:1", "--log-format", "plain")

    assert result.code == 1
    assert "error: cannot listen on 192.0.2.1:1: " in result.stderr
