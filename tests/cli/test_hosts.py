"""Commands with several hosts in their URLs: told in the target line, by `connections` and by `doctor`."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from support.as_a_user import Command
from support.proxy import Proxy
from support.servers import closed_port
from support.virtual_host import VirtualHost

pytestmark = pytest.mark.any_broker


def test_a_command_uses_the_first_host_that_answers(attune_infra: Command, vhost: VirtualHost) -> None:
    (amqp, http), dead = vhost.ports, closed_port()
    environment = vhost.at([dead, amqp], [dead, http, dead]).environment

    done = attune_infra("setup", "-v", environment=environment)
    data = attune_infra("diff", "-o", "json", environment=environment)

    assert (done.code, data.code) == (0, 0)
    assert done.target.endswith(f", user guest, host 127.0.0.1:{http}\n")
    assert data.json["target"]["host"] == f"127.0.0.1:{http}"
    passed = [line.partition(" s  ")[2] for line in done.stderr.splitlines()]
    assert passed == [f"host 127.0.0.1:{dead} was passed over: nothing listens on port {dead}"] * 2
    assert data.stderr == ""


def test_if_no_host_answers_each_has_a_line(attune_infra: Command, vhost: VirtualHost) -> None:
    one, two = closed_port(), closed_port()
    environment = vhost.at(management=[one, two]).environment

    failed = attune_infra("diff", environment=environment)

    assert failed.code == 1
    assert failed.stderr.splitlines() == [
        "error: cannot reach the management API at any of 2 hosts:",
        f"         127.0.0.1:{one}: nothing listens on port {one}",
        f"         127.0.0.1:{two}: nothing listens on port {two}",
        "hint:  check host and port; is the broker still starting? `--wait 60` waits for it",
    ]
    error = attune_infra("diff", "-o", "json", environment=environment).json
    assert (error["code"], error["may_pass"]) == ("broker-unreachable", True)
    assert "\n" not in error["sentence"]


def test_the_management_api_is_looked_for_at_each_amqp_host(attune_infra_alone: Command) -> None:
    failed = attune_infra_alone("diff", "--amqp-url", "amqp://guest:guest@127.0.0.1:1,[::1]:2/x", "--timeout", "1")

    assert "at any of 2 hosts" in failed.stderr
    assert "127.0.0.1:15672: " in failed.stderr
    assert "[::1]:15672: " in failed.stderr


def test_connections_show_all_hosts(attune_infra_alone: Command, vhost: VirtualHost, tmp_path: Path) -> None:
    (amqp, http), dead = vhost.ports, closed_port()
    several = vhost.at([dead, amqp], [dead, http])
    entry = {"url": several.amqp_url, "management_url": several.management_url}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"connections": {"here": entry}}))
    config = ("--config", str(tmp_path / "config.yaml"))

    listed = attune_infra_alone("connections", *config)
    [data] = attune_infra_alone("connections", "-o", "json", *config).json["connections"]

    assert listed.lines[0].endswith(f", host 127.0.0.1:{http}")
    assert listed.lines[1].lstrip().startswith(f"amqp://127.0.0.1:{dead},127.0.0.1:{amqp}, virtual host ")
    assert data["amqp"] == f"amqp://127.0.0.1:{dead},127.0.0.1:{amqp}"
    assert data["management"] == f"http://127.0.0.1:{dead},127.0.0.1:{http}"
    assert data["target"]["host"] == f"127.0.0.1:{http}"


def test_doctor_asks_each_host(attune_infra: Command, vhost: VirtualHost) -> None:
    (amqp, http), dead = vhost.ports, closed_port()

    result = attune_infra(
        "doctor", "setup", "-o", "json", environment=vhost.at([amqp, dead], [dead, http]).environment
    )

    checks = [check for check in result.json["checks"] if check["section"] == "connections"]
    assert {check["name"]: check["verdict"] for check in checks} == {
        f"HTTP at 127.0.0.1:{dead}": "warning",
        f"HTTP at 127.0.0.1:{http}": "ok",
        f"AMQP at 127.0.0.1:{amqp}": "ok",
        f"AMQP at 127.0.0.1:{dead}": "warning",
        "name of the cluster": "ok",
    }
    dead_hosts = [check["detail"] for check in checks if check["verdict"] == "warning"]
    assert all(detail.endswith("; commands pass this host over") for detail in dead_hosts)
    assert result.code == 0


def test_setup_goes_on_at_the_next_host(attune_infra: Command, vhost: VirtualHost, tmp_path: Path) -> None:
    """Both connections are cut in the middle, and everything is there in the end."""
    amqp, http = vhost.ports
    document = tmp_path / "topology.yaml"
    queues = {f"q{number}": {"arguments": {"x-max-length": number + 1}} for number in range(200)}
    policies = {f"p{number}": {"pattern": f"^p{number}$", "definition": {"max-length": 1}} for number in range(20)}
    document.write_text(yaml.safe_dump({"queues": queues, "policies": policies}))
    with (
        Proxy(amqp, cut_after=5_000) as first,
        Proxy(amqp) as second,
        Proxy(http, cut_after=9_000) as third,
        Proxy(http) as fourth,
    ):
        several = vhost.at([first.port, second.port], [third.port, fourth.port])
        done = attune_infra("setup", str(document), environment=several.environment)

    assert (done.code, done.stderr) == (0, "")
    assert (first.connections, second.connections) == (1, 1)
    assert attune_infra("diff", str(document)).code == 0
