"""One grammar of options: alike on every command, and refused where they would be ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from attune_infra.errors import ExitCode
from support.as_a_user import Command, Result

pytestmark = pytest.mark.any_broker

DOCUMENT = "queues:\n  jobs: {arguments: {x-max-length: 5}}\n"


def refusal(result: Result) -> str:
    assert result.code == ExitCode.WRONG_USAGE
    assert result.stdout == "" or result.json["code"] == "wrong-usage"
    assert "Traceback" not in result.stderr
    return result.stderr.splitlines()[0].removeprefix("error: ")


@pytest.mark.parametrize(
    "line",
    [
        "setup --database-url postgresql://localhost/x",
        "diff --schema x",
        "verify --database-url postgresql://localhost/x",
        "export --database-url postgresql://localhost/x",
        "registry init --amqp-url amqp://localhost",
        "worker register --name w --management-url http://localhost",
        "worker deregister --id 1 --topology attune",
        "worker run --output json",
        "worker watch --to file",
        "worker dispatch --id 1 --database-url postgresql://localhost/x",
        "connections --amqp-url amqp://localhost",
        "sandbox run --output json -- true",
        "topology schema --topology attune",
        "import - --amqp-url amqp://localhost",
    ],
)
def test_an_option_that_a_command_does_not_use_is_refused(attune_infra_alone: Command, line: str) -> None:
    option = next(word for word in line.split() if word in OPTIONS)

    assert option in refusal(attune_infra_alone(*line.split()))


OPTIONS = frozenset(
    {"--database-url", "--schema", "--topology", "--amqp-url", "--management-url", "--output", "--to"}
)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("lint --wait 1s", "--wait is about the broker"),
        ("graph --expect-cluster x", "--expect-cluster is about the broker"),
        ("trace attune.events a --ca-file x", "--ca-file is about the broker"),
        ("lint --explain AI001 --live", "--explain prints rules"),
        ("lint --explain AI001 --fail-on error", "--explain prints rules"),
        ("lint --live attune.yaml", "--live reads the topology"),
        ("lint --live --worker-queue-ttl 1h", "--live reads the topology"),
        ("worker provision --all --id 1", "--all and ids of workers are given"),
        ("worker verify --all --worker 1", "--all and ids of workers are given"),
        ("verify --require-consumers", "--require-consumers is about workers"),
        ("setup -q -v", "--quiet and --verbose are given"),
        ("verify attune.yaml --topology attune", "the topology is given twice"),
        ("topology show attune --topology attune", "the topology is given twice"),
        ("topology check", "no document is given"),
        ("worker run --handler-timeout 5m", "--handler-timeout is about a command"),
        ("worker run --exec true --on-timeout reject", "--on-timeout is about a time-out"),
        (
            "worker run --exec true --handler-timeout 5m --on-timeout requeue",
            "--on-timeout requeue needs --max-attempts",
        ),
        ("worker run --max-attempts 3 --prefetch 2", "--max-attempts goes with --prefetch 1, not 2"),
        ("worker dispatch --id 1-2", "--worker or --id: '1-2' is more than one worker"),
    ],
)
def test_options_that_would_be_ignored_together_are_refused(
    attune_infra_alone: Command, line: str, sentence: str
) -> None:
    assert refusal(attune_infra_alone(*line.split())).startswith(sentence)


@pytest.mark.parametrize("flag", ["--id", "--worker"])
@pytest.mark.parametrize(
    "line",
    [
        "verify",
        "diff",
        "doctor",
        "trace attune.events a",
        "worker list",
        "worker verify",
        "worker provision",
        "worker deprovision",
        "worker deregister",
        "worker dispatch",
    ],
)
def test_workers_are_named_alike_everywhere(attune_infra_alone: Command, line: str, flag: str) -> None:
    assert refusal(attune_infra_alone(*line.split(), flag, "0")) == "--worker or --id: '0' is not a worker id"


@pytest.mark.parametrize("text", ["soon", "1.5h", "-1", "nan", "inf", "24 h"])
@pytest.mark.parametrize(
    "line",
    [
        "setup --timeout",
        "setup --wait",
        "worker verify --all --settle",
        "worker run --heartbeat",
        "worker run --exec true --handler-timeout",
    ],
)
def test_times_are_durations(attune_infra_alone: Command, line: str, text: str) -> None:
    assert line.rsplit(maxsplit=1)[-1] in refusal(attune_infra_alone(*line.split(), text))


def test_a_result_goes_to_a_file(attune_infra: Command, tmp_path: Path) -> None:
    attune_infra("setup")
    to = tmp_path / "result"

    text = attune_infra("verify", "--to", str(to))
    assert (text.code, text.stdout, text.stderr) == (0, "", f"{to}: written\n")
    assert to.read_text(encoding="utf-8") == "23 checks: 23 passed\n"

    attune_infra("verify", "--to", str(to), "-q")
    assert to.read_text(encoding="utf-8") == ""

    assert attune_infra("diff", "-q", "-o", "json", "--to", str(to)).stderr == ""
    assert '"schema": "attune-infra/diff/' in to.read_text(encoding="utf-8")


def test_quiet_prints_problems_and_nothing_else(attune_infra: Command) -> None:
    assert attune_infra("setup", "-q") == Result(0, "", "")

    result = attune_infra("verify", "-q", "--worker", "1")

    assert (result.code, result.stderr, result.target) == (ExitCode.DRIFT, "", "")
    assert [line.split()[0] for line in result.lines] == ["failed", "failed", "failed"]


def test_each_request_is_shown_with_its_time_and_without_secrets(attune_infra: Command) -> None:
    shown = attune_infra("setup", "-vv", "--timeout", "20s").stderr.splitlines()

    http = [line for line in shown if " HTTP  GET http://" in line]
    assert any("/api/overview" in line and ": 200, " in line and line.endswith(" ms") for line in http)
    assert any(" AMQP  > channel 0 Connection.StartOk" in line for line in shown)
    assert any(" AMQP  > channel" in line and "Queue.Declare 'attune.events.queue'" in line for line in shown)
    assert any(" AMQP  < channel" in line and "Basic.QosOk" in line for line in shown)
    assert not any("guest:" in line or "PLAIN" in line for line in shown)


@pytest.mark.parametrize(
    ("environment", "options", "coloured"),
    [
        ({}, [], False),
        ({"FORCE_COLOR": "1"}, [], True),
        ({"CLICOLOR_FORCE": "1"}, [], True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, [], False),
        ({"NO_COLOR": "1"}, ["--color", "always"], True),
        ({"FORCE_COLOR": "1"}, ["--color", "never"], False),
    ],
)
def test_colour_is_a_choice(
    attune_infra_alone: Command, tmp_path: Path, environment: dict[str, str], options: list[str], *, coloured: bool
) -> None:
    document = "exchanges:\n  lonely: {type: fanout}\n"
    (tmp_path / "a.yaml").write_text(document, encoding="utf-8")
    result = attune_infra_alone("lint", str(tmp_path), *options, environment=environment)

    assert ("\x1b[" in result.stdout) is coloured


def test_several_documents_and_folders_are_linted_and_checked(attune_infra_alone: Command, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(DOCUMENT, encoding="utf-8")
    (tmp_path / "b.yml").write_text("queues:\n  jobs: 5\n", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("none", encoding="utf-8")

    checked = attune_infra_alone("topology", "check", str(tmp_path))
    linted = attune_infra_alone("lint", str(tmp_path), "attune", "-o", "json")

    assert (checked.code, checked.stdout) == (1, f"{tmp_path}/a.yaml: ok, 1 queue\n")
    assert checked.stderr.startswith(f"{tmp_path}/b.yml:2:9: ")
    assert linted.code == ExitCode.FAILED
    assert linted.json["sources"] == [f"{tmp_path}/a.yaml", f"{tmp_path}/b.yml", "attune.yaml"]
    [problem] = linted.json["problems"]
    assert (problem["file"], problem["line"], problem["severity"]) == (f"{tmp_path}/b.yml", 2, "error")
    assert {finding["document"] for finding in linted.json["findings"]} >= {"attune.yaml"}


def test_a_folder_without_documents_is_an_error(attune_infra_alone: Command, tmp_path: Path) -> None:
    result = attune_infra_alone("lint", str(tmp_path))

    assert (result.code, result.stderr.splitlines()[0]) == (
        1,
        f"error: {tmp_path} is a folder without a document",
    )
