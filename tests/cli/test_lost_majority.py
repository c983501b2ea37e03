"""Two of three nodes are dead, and the metadata store (Khepri) changes nothing: each command says that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from attune_infra.sandbox import BoundSandbox
from attune_infra.settings import DATABASE_URL, TOPOLOGY
from support.as_a_user import Command
from support.eventually import eventually
from support.under_test import BrokerUnderTest

DOCUMENT = """
exchanges: {attune.executions: {type: direct}}
queues:
  jobs: {bindings: [{exchange: attune.executions, routing_key: jobs}]}
  orders: {type: quorum, bindings: [{exchange: attune.executions, routing_key: orders}]}
workers:
  queues:
    worker.{worker_id}.jobs:
      type: quorum
      bindings: [{exchange: attune.executions, routing_key: 'worker.{worker_id}'}]
"""
OTHER_REASONS = ("permission", "no answer within", "could not be read")
AT_ONCE = ("--timeout", "2")


@pytest.fixture
def cluster(under_test: BrokerUnderTest) -> Iterator[BoundSandbox]:
    with under_test.sandbox(nodes=3) as cluster:
        if under_test.is_older_than((4, 3)):
            cluster.rabbitmqctl("enable_feature_flag", "--experimental", "khepri_db")
        yield cluster


@pytest.mark.since((4, 0), "its metadata store is Mnesia, which changes things without a majority")
@pytest.mark.lengthy
def test_a_lost_majority_is_named(cluster: BoundSandbox, tmp_path: Path) -> None:
    document, more = tmp_path / "document.yaml", tmp_path / "more.yaml"
    document.write_text(DOCUMENT)
    wanted = yaml.safe_load(DOCUMENT)
    more.write_text(yaml.safe_dump({**wanted, "queues": {**wanted["queues"], "more": {}}}))
    run = Command({**cluster.environment(), TOPOLOGY.variable: str(document)})
    for prepared in (("registry", "init"), ("worker", "register", "--name", "w"), ("setup",)):
        assert run(*prepared).code == 0
    assert run("worker", "provision", "--id", "1").code == 0
    lost = sorted(cluster.nodes[number].name for number in (0, 1))
    words = (
        "1 of 3 nodes of the cluster runs, which is no majority: RabbitMQ's metadata store changes nothing, and"
        f" quorum queues take no message; down: {', '.join(lost)}"
    )

    for number in (1, 2):
        cluster.kill_broker(number)
    left = Command({**run.environment, DATABASE_URL.variable: ""})

    eventually(lambda: left("diff").stderr, lambda talk: words in talk)
    assert [*changes_not_named(left, words, str(more)), *answers_not_named(left, words)] == []

    for number in (1, 2):
        cluster.start_broker(number)
    eventually(lambda: run("setup", str(more)).code, (0).__eq__, within=90)
    again = run("diff", str(more))
    assert (again.code, again.stderr) == (0, "")


def changes_not_named(run: Command, words: str, more: str) -> Iterator[object]:
    """Yield the results of changes that wait for half a minute, give another reason, or say it twice."""
    for command in (
        ("setup", more),
        ("setup", more, "--via", "http"),
        ("worker", "provision", "--id", "2"),
        ("worker", "dispatch", "--id", "1"),
        ("queue", "move", "jobs", "orders", "--yes"),
        ("tap", "attune.executions", "--count", "1"),
    ):
        result = run(*command, *AT_ONCE)
        told = result.stdout + result.stderr
        if result.code != 1 or told.count(words) != 1 or any(each in told for each in OTHER_REASONS):
            yield command, result


def answers_not_named(run: Command, words: str) -> Iterator[object]:
    """Yield the results of questions that have no warning; lists come from the copy of the node that is left."""
    for command, code in (
        (("diff",), 2),
        (("verify",), 1),
        (("queues",), 2),
        (("lint", "--live"), 0),
        (("export",), 0),
        (("graph", "--live"), 0),
        (("trace", "attune.executions", "jobs", "--live"), 0),
        (("setup", "--dry-run"), 1),
    ):
        result = run(*command, *AT_ONCE)
        changed = [line for line in result.lines if line.startswith(("+", "~", "-")) and command == ("diff",)]
        if result.code != code or result.stderr.count(f"warning: {words}\n") != 1 or changed:
            yield command, result
    doctor = run("doctor", "setup", *AT_ONCE)
    if doctor.code != 2 or "majority of the nodes: 1 of 3 runs, which is no majority" not in doctor.stdout:
        yield doctor
