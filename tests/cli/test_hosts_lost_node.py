"""`setup` with the nodes of a cluster in its URLs, the first of which is lost in the middle."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.errors import ExitCode
from attune_infra.sandbox import BoundSandbox
from attune_infra.settings import AMQP_URL, MANAGEMENT_URL, resolve
from support.as_a_user import Command
from support.eventually import eventually
from support.under_test import BrokerUnderTest

QUEUES = 120


@pytest.fixture
def cluster(under_test: BrokerUnderTest) -> Iterator[BoundSandbox]:
    with under_test.sandbox(postgres=False, nodes=3) as cluster:
        yield cluster


@pytest.mark.lengthy
def test_setup_goes_on_at_the_second_node(cluster: BoundSandbox, tmp_path: Path) -> None:
    """Its queues have replicas on all nodes, so that those of the lost node are there on the others."""
    first, second, _ = cluster.nodes
    environment = cluster.environment()
    document = tmp_path / "topology.yaml"
    bound = {"type": "quorum", "bindings": [{"exchange": "events", "routing_key": "a.#"}]}
    queues = {f"q{number}": bound for number in range(QUEUES)}
    document.write_text(yaml.safe_dump({"exchanges": {"events": {"type": "topic"}}, "queues": queues}))
    run = Command(environment)
    _assert_one_cluster(run, cluster)
    killer = threading.Thread(target=_kill_in_the_middle, args=(cluster,))

    killer.start()
    done = run("setup", str(document), "--timeout", "30")
    killer.join()

    assert (done.code, done.stderr) == (0, "")
    again = run("diff", str(document), "-v")
    assert f"host 127.0.0.1:{first.management_port} was passed over" in again.stderr
    assert again.target.endswith(f", host 127.0.0.1:{second.management_port}\n")
    assert not [line for line in again.lines if line.startswith("+")]
    if again.code:  # RabbitMQ 4 has queues without a leader if they were being declared when their node was lost
        cluster.start_broker(1)
        eventually(lambda: run("diff", str(document)).code, (0).__eq__, within=60)


def _assert_one_cluster(run: Command, cluster: BoundSandbox) -> None:
    """The cluster has no name, so each node tells another one, over AMQP and over HTTP."""
    _, second, third = cluster.nodes
    apart = {
        AMQP_URL.variable: f"amqp://guest:guest@127.0.0.1:{second.amqp_port}",
        MANAGEMENT_URL.variable: f"http://127.0.0.1:{third.management_port}",
    }
    assert run("verify", environment=apart).code != ExitCode.REFUSED

    checks = run("doctor", "setup", "-o", "json").json["checks"]
    ways = [check["verdict"] for check in checks if check["code"] == "server-connects"]
    assert ways == ["ok"] * 6
    [name] = [check for check in checks if check["code"] == "cluster-named"]
    assert "its nodes tell 3 names: " in name["detail"]


def _kill_in_the_middle(cluster: BoundSandbox) -> None:
    """Kill the first node as soon as a third of the queues is there, as another node tells."""
    url = f"http://127.0.0.1:{cluster.nodes[1].management_port}"
    settings = resolve({AMQP_URL: cluster.amqp_url, MANAGEMENT_URL: url}, {})
    with RabbitMQ(settings) as broker:
        eventually(lambda: len(broker.read().queues), (QUEUES // 3).__le__)
    cluster.kill_broker(1)
