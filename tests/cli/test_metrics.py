"""`attune-infra metrics`, printed once and served."""

from __future__ import annotations

import re
import signal
import socket

import pytest
import requests

from attune_infra.sandbox import BoundSandbox
from support.as_a_user import Command


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
    samples = run("metrics", "-o", "json").json["samples"]
    assert {"name": "attune_up", "labels": {}, "value": 1.0} in samples


def test_what_cannot_be_looked_at_prints_nothing(run: Command) -> None:
    result = run("metrics", "--management-url", "http://127.0.0.1:1")

    assert (result.code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: cannot reach the management API")


def test_they_are_served_anew_for_each_request(run: Command, sandbox: BoundSandbox) -> None:
    process = run.start("metrics", "--listen", "127.0.0.1:0")
    assert process.stderr is not None
    try:
        found = re.match(r"metrics are at (http://127\.0\.0\.1:\d+/metrics)$", process.stderr.readline())
        assert found
        assert 'attune_workers{status="active"} 1.0\n' in get(found[1])
        run("worker", "register", "--name", "another")
        assert 'attune_workers{status="active"} 2.0\n' in get(found[1])
        sandbox.stop_database()
        try:
            assert "attune_up 0.0\n" in get(found[1])
        finally:
            sandbox.start_database()
        assert "attune_up 1.0\n" in get(found[1])
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate()


def get(url: str) -> str:
    answer = requests.get(url, timeout=20)
    assert answer.headers["content-type"].startswith("text/plain")
    return answer.text


def test_a_port_that_is_taken_is_told(attune_infra_alone: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"

        result = attune_infra_alone("metrics", "--listen", address)

    assert result.code == 1
    assert result.stderr.startswith(
        f"error: cannot listen on {address}: Address already in use\nhint:  give an address"
    )


@pytest.mark.parametrize("address", ["9471", ":9471", "host:", "host:x", "host:65536"])
def test_what_is_no_address_is_refused(attune_infra_alone: Command, address: str) -> None:
    result = attune_infra_alone("metrics", "--listen", address)

    assert result.code == 64
    assert result.stderr.startswith(f"error: '{address}' is not an address to listen on\n")
