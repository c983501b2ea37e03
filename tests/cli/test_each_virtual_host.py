"""Commands on several virtual hosts: those that read show each, those that act on one ask for its name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from attune_infra.broker.http.management import Management
from attune_infra.errors import ExitCode
from support.as_a_user import Command
from support.two_virtual_hosts import DOCUMENT, Platform, platform_beside
from support.virtual_host import VirtualHost

OF_DOCUMENT = (
    "graph FILE",
    "doctor --topology FILE",
    "metrics FILE -o json",
    "lint FILE",
    "verify FILE",
    "diff FILE",
)
OF_BROKER = ("queues", "dlq list", "graph --live", "lint --live", "trace --live amq.direct k", "export")
OF_ONE = (
    "migrate --topology FILE jobs",
    "worker list FILE",
    "worker verify FILE --all",
    "worker provision FILE --id 1",
    "worker deprovision FILE --id 1",
    "worker prune FILE",
    "worker enlist FILE",
    "worker dispatch FILE --id 1",
    "worker run FILE",
)
IN_ONE = (
    "queue peek orders.new",
    "queue purge orders.new --yes",
    "queue move orders.new orders.new",
    "queue copy orders.new orders.new",
    "dlq show orders.new",
    "dlq replay orders.new --dry-run",
    "tap orders --for 1s",
    "queues orders.new",
)


@pytest.fixture
def platform(tmp_path: Path, vhost: VirtualHost, management: Management) -> Iterator[Platform]:
    with platform_beside(vhost, management, tmp_path) as platform:
        yield platform


def words(command: str, file: Path) -> list[str]:
    return [str(file) if word == "FILE" else word for word in command.split()]


def test_commands_that_read_show_each_virtual_host(attune_infra: Command, platform: Platform) -> None:
    """The AMQP URL names a third one, in which there is nothing."""
    a, b = platform.names
    attune_infra("setup", str(platform.file))

    for command in OF_DOCUMENT:
        found = attune_infra(*words(command, platform.file))
        assert a in found.stdout, command
        assert b in found.stdout, command
        alone = attune_infra(*words(command, platform.file), "--vhost", b)
        assert a not in alone.stdout, command
    for command in OF_BROKER:
        found = attune_infra(*command.split(), "--vhost", a, "--vhost", b)
        assert a in found.stdout, command
        assert found.stdout.index(a) < found.stdout.index(b), command
    for command in IN_ONE:
        found = attune_infra(*command.split(), "--vhost", a)
        assert "no queue" not in found.stderr, command
        assert "no exchange" not in found.stderr, command
        missing = attune_infra(*command.split(), "--vhost", b)
        assert "orders" in missing.stderr, command


def test_several_results_are_grouped_in_json(attune_infra: Command, platform: Platform) -> None:
    a, b = platform.names
    attune_infra("setup", str(platform.file))
    file = platform.file

    for command in (*OF_DOCUMENT[:2], *(f"{each} --vhost {a} --vhost {b}" for each in OF_BROKER[:3])):
        found = attune_infra(*words(command, file), "-o", "json").json
        assert [each["virtual_host"] for each in found["virtual_hosts"]] == [a, b], command
        assert found["exit_code"] == max(each["exit_code"] for each in found["virtual_hosts"]), command
    samples = attune_infra("metrics", str(file), "-o", "json").json["samples"]
    assert {each["labels"]["vhost"] for each in samples} == {a, b}
    ready = [each["labels"] for each in samples if each["name"] == "attune_queue_messages_ready"]
    assert ready == [{"queue": "jobs", "vhost": b}, {"queue": "orders.new", "vhost": a}]
    assert attune_infra("metrics", str(file)).stdout.count("# TYPE attune_up gauge") == 1


@pytest.fixture
def document(tmp_path: Path) -> Path:
    file = tmp_path / "platform.yaml"
    file.write_text(DOCUMENT.format(a="a", b="b"), encoding="utf-8")
    return file


@pytest.mark.parametrize("command", OF_ONE)
def test_a_command_for_one_virtual_host_asks_which(
    attune_infra_alone: Command, document: Path, command: str
) -> None:
    refused = attune_infra_alone(*words(command, document))

    assert (refused.code, refused.stdout) == (ExitCode.FAILED, "")
    assert f"{document} holds several virtual hosts: 'a', 'b'" in refused.stderr
    assert "choose one with --vhost NAME" in refused.stderr


@pytest.mark.parametrize("command", [*OF_ONE[:-2], *IN_ONE])
def test_a_command_for_one_virtual_host_takes_no_second_one(
    attune_infra_alone: Command, document: Path, command: str
) -> None:
    refused = attune_infra_alone(*words(command, document), "--vhost", "a", "--vhost", "b")

    assert (refused.code, refused.stdout) == (ExitCode.WRONG_USAGE, "")
    assert "--vhost is given 2 times, and this takes one" in refused.stderr


def test_the_only_virtual_host_needs_no_name(attune_infra_alone: Command, tmp_path: Path) -> None:
    file = tmp_path / "one.yaml"
    file.write_text("virtual_hosts: {orders: {queues: {jobs: {}}}}\n", encoding="utf-8")

    rules = attune_infra_alone("metrics", str(file), "--rules")

    assert rules.code == ExitCode.DONE


def test_a_trace_goes_through_the_virtual_hosts_that_have_the_exchange(
    attune_infra_alone: Command, document: Path
) -> None:
    found = attune_infra_alone("trace", "--topology", str(document), "orders", "new")

    assert found.code == ExitCode.DONE
    assert found.lines[0] == "virtual host a:"
    assert "virtual host b:" not in found.lines
    assert "virtual host b has no exchange orders" in found.stderr
    nowhere = attune_infra_alone("trace", "--topology", str(document), "nope", "new", "-o", "json")
    assert nowhere.code == ExitCode.DRIFT
    assert [each["virtual_host"] for each in json.loads(nowhere.stdout)["virtual_hosts"]] == ["a", "b"]


@pytest.mark.parametrize(("form", "frame"), [("dot", "subgraph cluster1"), ("mermaid", "subgraph g1")])
def test_a_drawing_frames_each_virtual_host(
    attune_infra_alone: Command, document: Path, form: str, frame: str
) -> None:
    draw = ("graph", str(document), "--format", form)
    drawn = attune_infra_alone(*draw)

    assert drawn.code == ExitCode.DONE
    assert frame in drawn.stdout
    assert "virtual host b: " in drawn.stdout
    assert "subgraph" not in attune_infra_alone(*draw, "--vhost", "b").stdout
    refused = attune_infra_alone(*draw, "--group", "prefix")
    assert refused.code == ExitCode.WRONG_USAGE
    assert "add --collapse" in refused.stderr
    assert frame in attune_infra_alone(*draw, "--group", "prefix", "--collapse").stdout


def test_a_virtual_host_that_is_not_in_a_drawing_is_named(attune_infra_alone: Command, tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text("virtual_hosts: {a: {queues: {q: {}}}, b: {}}\n", encoding="utf-8")

    drawn = attune_infra_alone("graph", str(file), "--format", "dot")

    assert drawn.stderr == "nothing to draw in 1 virtual host: b\n"
    assert "virtual host a: 1 queue" in drawn.stdout
    assert "virtual host b" not in drawn.stdout


def test_rules_and_dashboards_are_for_all_virtual_hosts(attune_infra_alone: Command, document: Path) -> None:
    rules = attune_infra_alone("metrics", str(document), "--rules", "-o", "json").json["document"]
    shown = attune_infra_alone("metrics", str(document), "--dashboard", "-o", "json").json["document"]
    one = attune_infra_alone("metrics", str(document), "--rules", "--vhost", "a", "-o", "json").json["document"]

    names = [each["name"] for each in rules["groups"]]
    assert "attune-queues a" in names
    assert "attune-queues" in [each["name"] for each in one["groups"]]
    assert "{{vhost}} " in json.dumps(shown)


def test_lint_looks_for_the_end_of_a_shovel_in_another_virtual_host(
    attune_infra_alone: Command, tmp_path: Path
) -> None:
    shovel = "{src-uri: 'amqp:///a', src-queue: q, dest-uri: 'amqp:///b', dest-queue: gone}"
    file = tmp_path / "shop.yaml"
    file.write_text(
        f"virtual_hosts:\n  a: {{queues: {{q: {{}}}}, shovels: {{s: {shovel}}}}}\n  b: {{queues: {{r: {{}}}}}}\n",
        encoding="utf-8",
    )

    for chosen in ((), ("--vhost", "a")):
        found = attune_infra_alone("lint", str(file), "--select", "AI092", *chosen)
        assert found.code == ExitCode.DRIFT
        assert "it moves to queue 'gone' of virtual host 'b', which is not declared" in found.stdout
        assert ":2:" in found.stdout
    assert attune_infra_alone("lint", str(file), "--select", "AI092", "--vhost", "b").code == ExitCode.DONE
