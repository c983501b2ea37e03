"""A cluster lost a node: its queues are down, and no command takes what the broker does not list for missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from attune_infra.sandbox import BoundSandbox
from attune_infra.settings import AMQP_URL, MANAGEMENT_URL
from support.as_a_user import Command, Result
from support.eventually import eventually
from support.under_test import BrokerUnderTest

DOCUMENT = """
exchanges:
  shop: {type: topic}
  dlx: {type: fanout}
queues:
  jobs:
    arguments: {x-dead-letter-exchange: dlx, x-message-ttl: 60000}
    bindings: [{exchange: shop, routing_key: 'job.#'}]
  dead:
    bindings: [{exchange: dlx}]
  orders:
    type: quorum
    arguments: {x-dead-letter-exchange: dlx}
    bindings: [{exchange: shop, routing_key: 'order.#'}]
"""
TWO = 2
"""Nodes of which one cannot have a majority."""
DOWN = "queues dead, jobs are down, and RabbitMQ lists none of their bindings"


@pytest.fixture
def cluster(under_test: BrokerUnderTest) -> Iterator[BoundSandbox]:
    with under_test.sandbox(postgres=False, nodes=2 if under_test.is_older_than((4, 2)) else 3) as cluster:
        yield cluster


@pytest.fixture
def document(tmp_path: Path) -> str:
    path = tmp_path / "shop.yaml"
    path.write_text(DOCUMENT)
    return str(path)


@pytest.fixture
def left(cluster: BoundSandbox, under_test: BrokerUnderTest, document: str) -> Command:
    """The command on another node than the one that held both classic queues, and is lost."""
    lost, *_, left = (
        Command(
            {
                AMQP_URL.variable: f"amqp://guest:guest@127.0.0.1:{node.amqp_port}/%2F",
                MANAGEMENT_URL.variable: f"http://127.0.0.1:{node.management_port}",
                **under_test.environment,
            }
        )
        for node in cluster.nodes
    )
    assert lost("setup", document).code == 0
    cluster.kill_broker(1)
    return left


@pytest.mark.lengthy
def test_what_a_lost_node_holds_is_down_and_not_missing(
    cluster: BoundSandbox, left: Command, document: str
) -> None:
    node, without_leader = cluster.node.name, len(cluster.nodes) == TWO
    down = ["dead", "jobs", "orders"] if without_leader else ["dead", "jobs"]
    verified = eventually(lambda: left("verify", document), lambda result: len(result.lines) == len(down) + 1)
    assert verified.code == 2
    assert verified.lines[:2] == [
        f"failed   queue dead: exists, but its state is down, on node {node}",
        f"failed   queue jobs: exists, but its state is down, on node {node}",
    ]
    if without_leader:
        words = "failed   queue orders: exists, but its state is "
        assert verified.lines[2] in {f"{words}without a leader", f"{words}minority, on node {node}"}
    assert left("setup", document).lines[-1] == f"8 objects: {8 - len(down)} unchanged, {len(down)} down"
    assert_told_of_members(
        left("verify", "--require-quorum", "-v", document), cluster, has_leader=not without_leader
    )

    assert_not_emptied(left, node)
    looked, drawn = left("queues", "-o", "json"), left("graph", "--live")
    traced, linted = left("trace", "shop", "job.new", "--live"), left("lint", "--live")
    listed, exported = left("dlq", "list"), left("export")
    assert {line.split()[1] for line in linted.lines if " AI0" in line} <= {"AI033", "AI035"}
    assert "AI035 queue orders" not in linted.stdout or not without_leader
    if is_unlisted(exported.stdout):
        assert f"? may reach more queues: {DOWN}" in traced.lines
        assert drawn.stderr == f"warning: {DOWN}: they are not drawn\n"
        assert looked.stdout.count("RabbitMQ lists none of its bindings") == len(["dead", "jobs"])
        assert linted.stderr == f"{DOWN}: a message may be lost or arrive, and no finding is about that\n"
        assert listed.code == exported.code == 1
        assert listed.lines == [f"0 dead letter queues: 0 messages ready; there may be more: {DOWN}"]
        assert "left out: all bindings of queue dead, jobs: the queue is down" in exported.stderr
    else:
        assert traced.lines[-1] == "reaches 1 queue: jobs"
        assert linted.stderr == drawn.stderr == ""
        assert "lists none of its bindings" not in looked.stdout
        assert_a_missing_binding_is_told(left, document)
        assert listed.code == exported.code == 0
        assert f"    its messages were not read: its state is down, on node {node}" in listed.lines


def assert_a_missing_binding_is_told(left: Command, document: str) -> None:
    """Expect a missing binding to be missing, as the bindings of queues that are down are listed here."""
    path = Path(document)
    path.write_text(path.read_text().replace("'job.#'}]", "'job.#'}, {exchange: shop, routing_key: more}]"))

    assert "+ binding shop -> jobs with routing key more is missing" in left("diff", document).lines


def assert_not_emptied(left: Command, node: str) -> None:
    """Expect that no queue which is down counts as empty."""
    purged = left("queue", "purge", "jobs", "--yes")

    assert (purged.code, purged.stdout) == (1, "")
    assert f"queue jobs cannot be emptied: its state is down, on node {node}; nothing was deleted" in purged.stderr


def assert_told_of_members(result: Result, cluster: BoundSandbox, *, has_leader: bool) -> None:
    lost, size = cluster.node.name, len(cluster.nodes)
    [line] = [line for line in result.lines if "members of queue orders: " in line]
    verdict, words = ("warning  ", "led by ") if has_leader else ("failed   ", "without a leader")
    assert line.startswith(f"{verdict}members of queue orders: {size - 1} of {size} members are online, {words}")
    assert line.endswith(f"not online: {lost}")


def is_unlisted(document: str) -> bool:
    """Return whether the broker leaves the bindings of queues out that are down."""
    return "job.#" not in document
