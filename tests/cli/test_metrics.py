"""`attune-infra metrics`, printed once and served."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import amqp
import pytest
import requests
import yaml

from attune_infra.sandbox import BoundSandbox
from support.as_a_user import Command, Result
from support.eventually import eventually
from support.folders import EXAMPLES
from support.proxy import Proxy
from support.virtual_host import VirtualHost


@pytest.fixture
def run(attune_infra_with_registry: Command) -> Command:
    """The command, with a worker registered and provisioned that does not run."""
    assert attune_infra_with_registry("registry", "init").code == 0
    assert attune_infra_with_registry("worker", "enlist", "--name", "w").code == 0
    return attune_infra_with_registry


def test_they_are_printed_once(run: Command) -> None:
    result = run("metrics")

    assert (result.code, result.stderr) == (0, "")
    assert "# TYPE attune_worker_queue_consumers gauge" in result.lines
    assert 'attune_worker_queue_consumers{name="w",worker_id="1"} 0.0' in result.lines
    assert 'attune_worker_provisioned{name="w",worker_id="1"} 1.0' in result.lines
    assert run("metrics", "-q").stdout.startswith("# HELP attune_up")
    samples = run("metrics", "-o", "json").json["samples"]
    assert {"name": "attune_up", "labels": {}, "value": 1.0} in samples


def test_what_cannot_be_looked_at_prints_nothing(run: Command) -> None:
    result = run("metrics", "--management-url", "http://127.0.0.1:1")

    assert (result.code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: cannot reach the management API")


def test_the_broker_is_measured_without_a_registry(attune_infra: Command) -> None:
    assert attune_infra("setup").code == 0

    result = attune_infra("metrics")

    assert result.code == 0
    assert result.stderr == "no database is configured (--database-url), so the metrics of workers are left out\n"
    assert "attune_up 1.0" in result.lines
    assert "attune_topology_verify_success 1.0" in result.lines
    assert "attune_worker" not in result.stdout
    assert "attune_registry_up" not in result.stdout


def test_a_document_without_workers_needs_no_registry(attune_infra: Command) -> None:
    document = str(EXAMPLES / "minimal.yaml")

    result = attune_infra("metrics", "--topology", document)

    assert (result.code, result.stderr) == (0, "")
    assert 'attune_drift_objects{change="missing",kind="queue"} 1.0' in result.lines
    assert "attune_topology_verify_success 0.0" in result.lines


def test_drift_and_dead_letters_of_a_real_broker(attune_infra: Command, channel: amqp.Channel) -> None:
    assert attune_infra("setup").code == 0
    channel.confirm_select()
    for _ in range(2):
        message = amqp.Message("dead", timestamp=int(time.time()) - 1000)
        channel.basic_publish_confirm(message, "attune.dlx", "any")
    channel.queue_delete("attune.events.queue")
    channel.queue_declare("stranger", durable=True, auto_delete=False)

    found = eventually(
        lambda: numbers(attune_infra("metrics")), lambda all_: "attune_dead_letter_oldest_age_seconds" in str(all_)
    )

    assert found['attune_dead_letter_messages{queue="attune.dlx.queue"}'] == 2
    assert 1000 <= found['attune_dead_letter_oldest_age_seconds{queue="attune.dlx.queue"}'] < 1100
    assert found['attune_queues_without_consumers{owner="document"}'] == 3
    assert found['attune_drift_objects{change="missing",kind="queue"}'] == 1
    assert found['attune_drift_objects{change="missing",kind="binding"}'] == 1
    assert found['attune_drift_objects{change="undeclared",kind="queue"}'] == 1
    assert found['attune_queue_messages_ready{queue="attune.dlx.queue"}'] == 2


@pytest.mark.parametrize("count", [50, 150])
def test_many_queues_of_a_document_are_asked_in_shares(
    attune_infra: Command, channel: amqp.Channel, tmp_path: Path, count: int
) -> None:
    names = [f"queue | with (a) long+name * {number} {'ü' * 20}" for number in range(count)]
    document = {"topology": "many", "queues": {name: {} for name in names}}
    (tmp_path / "many.yaml").write_text(json.dumps(document), encoding="utf-8")
    assert attune_infra("setup", "--topology", str(tmp_path / "many.yaml")).code == 0
    message = amqp.Message("x", timestamp=int(time.time()) - 50)
    for name in names:
        channel.basic_publish(message, "", name)

    def ages() -> int:
        shown = attune_infra("metrics", "--topology", str(tmp_path / "many.yaml")).stdout
        return shown.count("\nattune_queue_oldest_message_age_seconds{")

    eventually(ages, len(names).__eq__, within=30)


def numbers(result: Result) -> dict[str, float]:
    """Return the numbers of an exposition by their series."""
    pairs = (line.rpartition(" ") for line in result.lines if not line.startswith("#"))
    return {series: float(number) for series, _, number in pairs}


@contextmanager
def served(run: Command, *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Yield the address of `metrics --listen`, and its process, whose standard error is sentences."""
    process = run.start("metrics", "--listen", "127.0.0.1:0", "--log-format", "plain", *options)
    assert process.stderr is not None
    try:
        base = next(
            line.removeprefix(words).removesuffix("/metrics\n")
            for line in process.stderr
            if line.startswith(words := "metrics are at ")
        )
        yield base, process
    finally:
        process.kill()
        process.communicate()


def test_they_are_served_anew_for_each_request(run: Command, sandbox: BoundSandbox) -> None:
    with served(run) as (base, process):
        assert 'attune_workers{status="active"} 1.0\n' in get(f"{base}/metrics")
        assert requests.get(f"{base}/readyz", timeout=20).text == "ok\n"
        run("worker", "register", "--name", "another")
        assert 'attune_workers{status="active"} 2.0\n' in get(f"{base}/metrics")
        sandbox.stop_database()
        try:
            gone = get(f"{base}/metrics")
            assert "attune_up 0.0\n" in gone
            assert "attune_broker_up 1.0\n" in gone
            assert "attune_registry_up 0.0\n" in gone
            assert "attune_topology_verify_success 0.0\n" in gone  # nobody has run setup
            assert "attune_worker" not in gone
            not_ready = eventually(lambda: requests.get(f"{base}/readyz", timeout=20), lambda found: not found.ok)
            assert not_ready.status_code == 503
            assert not_ready.text.startswith("cannot reach")
            assert "password" not in not_ready.text
            assert requests.get(f"{base}/healthz", timeout=20).text == "ok\n"
        finally:
            sandbox.start_database()
        assert "attune_up 1.0\n" in get(f"{base}/metrics")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stderr is not None
        told = process.stderr.read().splitlines()
        assert told[-1] == "the registry is available again"


def test_the_last_verify_is_told_while_the_broker_is_away(attune_infra: Command, vhost: VirtualHost) -> None:
    assert attune_infra("setup").code == 0
    port = urlsplit(vhost.management_url).port
    assert port
    with (
        Proxy(port) as proxy,
        served(attune_infra, "--management-url", f"http://127.0.0.1:{proxy.port}") as (base, _),
    ):
        assert "attune_topology_verify_success 1.0\n" in get(f"{base}/metrics")
        proxy.cut()

        gone = get(f"{base}/metrics")

        assert "attune_broker_up 0.0\n" in gone
        assert "attune_topology_verify_success 1.0\n" in gone
        assert "attune_drift_objects" not in gone
        assert requests.get(f"{base}/readyz", timeout=20).status_code == 503


def test_its_log_is_json_on_request(attune_infra: Command) -> None:
    process = attune_infra.start("metrics", "--listen", "127.0.0.1:0", "--log-format", "json")
    assert process.stderr is not None
    try:
        lines = [json.loads(process.stderr.readline()) for _ in range(2)]
    finally:
        process.kill()
        process.communicate()

    assert [line["level"] for line in lines] == ["info", "info"]
    assert lines[0]["message"].startswith("no database is configured")
    assert lines[1]["message"].startswith("metrics are at http://127.0.0.1:")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--rules", "--dashboard"), "--rules and --dashboard are given"),
        (("--listen", "127.0.0.1:0", "--rules"), "--listen and --rules are given"),
        (("--runbook", "page"), "--runbook is about the alerts of --rules"),
        (("--log-format", "json"), "--log-format is about --listen"),
        (("--rules", "--timeout", "3"), "--timeout is about the broker, and --rules asks no broker"),
        (("--dashboard", "--schema", "s"), "--schema is about the registry, and --dashboard asks none"),
    ],
)
def test_options_that_do_not_go_together(
    attune_infra_alone: Command, arguments: tuple[str, ...], words: str
) -> None:
    result = attune_infra_alone("metrics", *arguments)

    assert result.code == 64
    assert result.stderr.startswith(f"error: {words}\n")


def test_rules_have_thresholds_of_the_document_and_links(attune_infra_alone: Command, tmp_path: Path) -> None:
    document, to = str(EXAMPLES / "work-queues-with-retries.yaml"), tmp_path / "alerts.yml"

    result = attune_infra_alone(
        "metrics", "--topology", document, "--rules", "--runbook", "https://wiki/page", "--to", str(to)
    )

    assert (result.code, result.stdout) == (0, "")
    groups = yaml.safe_load(to.read_text(encoding="utf-8"))["groups"]
    [full] = [rule for group in groups for rule in group["rules"] if rule["alert"] == "AttuneQueueFull"]
    assert full["expr"] == 'attune_queue_messages_ready{queue="work.jobs"} > 800000'
    assert full["annotations"]["runbook_url"] == "https://wiki/page#attunequeuefull"
    printed = attune_infra_alone("metrics", "--topology", document, "--rules", "-q").stdout
    assert yaml.safe_load(printed)["groups"]
    shown = attune_infra_alone("metrics", "--dashboard").json
    assert shown["title"] == "Attune: attune"


def get(url: str) -> str:
    answer = requests.get(url, timeout=20)
    assert answer.headers["content-type"].startswith("text/plain")
    return answer.text


def test_a_port_that_is_taken_is_told(attune_infra_alone: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"

        result = attune_infra_alone("metrics", "--listen", address, "--log-format", "plain")

    assert result.code == 1
    assert result.stderr.startswith(
        "no database is configured (--database-url), so the metrics of workers are left out\n"
        f"error: cannot listen on {address}: Address already in use\nhint:  give an address"
    )


@pytest.mark.parametrize("address", ["9471", ":9471", "host:", "host:x", "host:65536"])
def test_what_is_no_address_is_refused(attune_infra_alone: Command, address: str) -> None:
    result = attune_infra_alone("metrics", "--listen", address)

    assert result.code == 64
    assert result.stderr.startswith(f"error: --listen: '{address}' is not an address to listen on\n")
