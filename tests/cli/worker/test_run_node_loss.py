"""`attune-infra worker run` in a cluster whose node, with the queues on it, is lost and comes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from attune_infra.sandbox import BoundSandbox
from attune_infra.settings import AMQP_URL, DATABASE_URL, MANAGEMENT_URL
from support.as_a_user import Command
from support.fleet import Fleet
from support.proxy import Proxy
from support.under_test import DURABLE_WORKERS, BrokerUnderTest


@pytest.fixture
def cluster(under_test: BrokerUnderTest) -> Iterator[BoundSandbox]:
    """As many nodes as are needed for the rest to go on when one is lost."""
    with under_test.sandbox(postgres=False, nodes=2 if under_test.is_older_than((4, 2)) else 3) as cluster:
        yield cluster


@pytest.fixture
def run(cluster: BoundSandbox, database_url: str, under_test: BrokerUnderTest) -> Iterator[Command]:
    """The command, behind a load balancer."""
    with (
        Proxy(*(node.amqp_port for node in cluster.nodes)) as amqp,
        Proxy(*(node.management_port for node in cluster.nodes)) as management,
    ):
        servers = {
            AMQP_URL.variable: f"amqp://guest:guest@127.0.0.1:{amqp.port}/%2F",
            MANAGEMENT_URL.variable: f"http://127.0.0.1:{management.port}",
            DATABASE_URL.variable: database_url,
        }
        yield Command(servers | under_test.environment)


def test_a_worker_outlives_the_node_of_its_queue(
    cluster: BoundSandbox, run: Command, tmp_path: Path, under_test: BrokerUnderTest
) -> None:
    """A durable queue comes back with its node; a transient one too on 4.3, and at once before that."""
    durable = ("--topology", str(DURABLE_WORKERS))
    assert run("registry", "init").code == run("setup", *durable).code == 0
    fleet = Fleet(run, tmp_path)
    try:
        fleet.start("durable", *durable)
        fleet.wait_until_consuming("durable")
        if not under_test.denies_transient_queues:
            fleet.start("transient", "--topology", "attune")
            fleet.wait_until_consuming("transient")

        cluster.kill_broker(1)

        fleet.wait_for_words("durable", "worker 1 was denied queue worker.1.executions: ")
        fleet.wait_for_words("durable", "rabbitmqctl forget_cluster_node NODE")
        if under_test.is_older_than((4, 2)):
            fleet.wait_until_consuming("transient", times=2)
        _is_told(run, durable, cluster.node.name)

        cluster.start_broker(1)

        fleet.wait_until_consuming("durable", times=2)
        if not under_test.denies_transient_queues:
            fleet.wait_until_consuming("transient", times=2)
        assert fleet.talk("durable").count("worker 1 consumes\n") == 2
    finally:
        fleet.close()


def _is_told(run: Command, durable: tuple[str, str], node: str) -> None:
    """Every command that looks says what is down, and none breaks."""
    listed = run("worker", "list", "--id", "1", *durable)
    assert listed.code == 0
    assert "queue down" in listed.lines[1]

    verified = run("worker", "verify", "--id", "1", "--settle", "0", *durable)
    assert verified.code == 2
    assert verified.lines[0] == (
        "failed   worker 1 (durable): queue down: "
        f"queue worker.1.executions exists, but its state is down, on node {node}"
    )

    provisioned = run("worker", "provision", "--id", "1", *durable)
    assert provisioned.code == 1
    assert "! worker 1 is not provisioned" in provisioned.lines

    queues = run("queues", "--down")
    assert queues.code == 2
    assert queues.lines[1].startswith("! down")

    dispatched = run("worker", "dispatch", "--id", "1", *durable)
    assert dispatched.code in {1, 2}
    assert run("verify", *durable).code == 2

    examined = run("doctor", *durable)
    assert examined.code == 2
    assert ": it is down: queues that it holds alone are unavailable" in examined.stdout

    lost = f"! queue attune.events.queue exists, but its state is down, on node {node}"
    for command, codes in ((("diff",), {2}), (("setup", "--dry-run"), {1, 3}), (("setup",), {1})):
        told = run(*command, *durable)
        assert told.code in codes
        assert lost in told.lines
