"""A sandbox of several nodes that form a cluster."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from secrets import token_hex

import pytest

from attune_infra.errors import SandboxError
from attune_infra.sandbox import Sandbox, Status, bound, down, find, up
from support.as_a_user import Command
from support.eventually import eventually
from support.under_test import DURABLE_WORKERS, BrokerUnderTest


@pytest.mark.lengthy
def test_nodes_crash_and_come_back_and_nothing_is_left(
    under_test: BrokerUnderTest, processes_of: Callable[[Sandbox], frozenset[int]], attune_infra_alone: Command
) -> None:
    with under_test.sandbox(postgres=False, nodes=3) as cluster:
        run = Command(cluster.environment())
        assert run("setup", "--topology", str(DURABLE_WORKERS)).code == 0
        assert names_in(cluster) == {node.name for node in cluster.nodes}

        cluster.kill_broker(2)

        found = look(cluster)
        assert (found.status, found.brokers[1].ended) == (Status.PARTLY, "was killed by SIGKILL")
        shown = attune_infra_alone("sandbox", "status", "--name", cluster.name)
        assert (shown.code, len(shown.lines)) == (1, 4)
        assert f"node: {cluster.nodes[1].name}" in shown.lines[2]
        assert "was killed by SIGKILL; see " in shown.lines[2]
        assert run("diff", "--topology", str(DURABLE_WORKERS)).code == 0

        cluster.start_broker(2)
        assert look(cluster).status is Status.RUNNING

        cluster.stop_broker()
        assert look(cluster).status is Status.STOPPED
        cluster.start_broker()

        assert names_in(cluster) == {node.name for node in cluster.nodes}
        assert run("diff", "--topology", str(DURABLE_WORKERS)).code == 0
        with pytest.raises(SandboxError, match="this sandbox has no node 4: it has 3 nodes"):
            cluster.kill_broker(4)

        os.kill(cluster.pid, signal.SIGKILL)

        eventually(lambda: processes_of(cluster), lambda left: not left)
        assert find(cluster.name) is None
    assert not cluster.node.folder.exists()


def test_a_number_of_nodes_is_checked(attune_infra_alone: Command) -> None:
    for number in ("0", "6", "-1", "two"):
        assert attune_infra_alone("sandbox", "up", "--nodes", number).code == 64
    for wrong in (0, 6):
        with pytest.raises(SandboxError, match=rf"a sandbox cannot have {wrong} nodes"), bound(nodes=wrong):
            pass


def test_a_running_one_has_as_many_nodes_as_it_has(under_test: BrokerUnderTest) -> None:
    name = f"test-{token_hex(4)}"
    try:
        alone = up(name, postgres=False, rabbitmq_root=under_test.root)

        assert up(name, nodes=1) == up(name) == alone
        with pytest.raises(SandboxError, match=f"sandbox '{name}' is running already, with 1 node, not 3"):
            up(name, nodes=3)
    finally:
        down(name)


def names_in(cluster: Sandbox) -> set[str]:
    nodes = json.loads(cluster.rabbitmqctl("cluster_status", "--formatter", "json"))["running_nodes"]
    return set(nodes)


def look(cluster: Sandbox) -> Sandbox:
    found = find(cluster.name)
    assert found is not None
    return found
