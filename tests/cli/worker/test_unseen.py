"""Consumers of others, which RabbitMQ lists only for users with the tag monitoring or administrator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import amqp
import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.fleet.register import Registration
from attune_infra.registry.workers import PostgresRegistry
from attune_infra.settings import DATABASE_URL, TOPOLOGY
from support.as_a_user import Command
from support.eventually import eventually
from support.patients import make_user
from support.virtual_host import VirtualHost

DOCUMENT = """\
manages: ['^worker']
workers:
  consumer_tag: worker-{worker_id}
  queues:
    worker.{worker_id}.jobs:
      type: quorum
      arguments: {x-expires: 600000}
"""
CONSUMED = "worker.1.jobs"
As: TypeAlias = Callable[[str], Command]


@pytest.fixture
def documents(database_url: str, registry: PostgresRegistry, tmp_path: Path) -> Mapping[str, str]:
    """Two workers are in a registry; return the variables that name it, and the topology."""
    document = tmp_path / "jobs.yaml"
    document.write_text(DOCUMENT)
    for name in ("busy", "idle"):
        registry.register(Registration(name=name))
    return {DATABASE_URL.variable: database_url, TOPOLOGY.variable: str(document)}


@pytest.fixture
def as_user(vhost: VirtualHost, management: Management, documents: Mapping[str, str], channel: amqp.Channel) -> As:
    """Return the command as a user with a tag. Two workers have their queues, and guest consumes the first."""

    def command(tag: str) -> Command:
        made = make_user(management, vhost, f"only {tag}", tags=tag, may=(".*", ".*", ".*"))
        return Command({**made.environment, **documents})

    assert command("administrator")("worker", "provision", "--id", "1-2").code == 0
    channel.basic_consume(CONSUMED, consumer_tag="worker-1")
    return command


@pytest.mark.parametrize("tag", ["management", "policymaker", "monitoring"])
def test_a_queue_that_others_consume_is_kept(as_user: As, broker: RabbitMQ, tag: str) -> None:
    result = as_user(tag)("worker", "deprovision", "--id", "1-2", "--yes")

    assert result.lines[:2] == [
        "! queue worker.1.jobs is kept: it holds 0 messages and has 1 consumer",
        "- queue worker.2.jobs: deleted",
    ]
    assert result.code == 3
    assert set(broker.read().queues) == {CONSUMED}


def test_pruning_workers_keeps_it(as_user: As, broker: RabbitMQ) -> None:
    run = as_user("management")
    assert run("worker", "deregister", "--id", "1-2").code == 0

    result = run("worker", "prune", "--yes")

    assert (result.code, set(broker.read().queues)) == (3, {CONSUMED})


def test_pruning_undeclared_objects_keeps_it(as_user: As, broker: RabbitMQ, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("manages: ['^worker']\nqueues: {worker.all: {}}\n")

    result = as_user("management")("setup", str(other), "--prune", "--allow-destructive", "--yes")

    assert "it holds 0 messages and has 1 consumer" in result.stdout
    assert set(broker.read().queues) == {CONSUMED, "worker.all"}


def tags_of(command: Command) -> tuple[list[str], ...]:
    """Return the consumer tags of each worker."""
    workers = command("worker", "list", "--output", "json").json["workers"]
    return tuple(worker["consumers"] for worker in workers)


def test_every_user_is_told_the_same_of_consumers(as_user: As) -> None:
    """`worker list`, `worker verify`, `verify` and `metrics` rest on consumer tags."""
    limited, monitoring = as_user("management"), as_user("monitoring")
    eventually(lambda: tags_of(monitoring), (["worker-1"], []).__eq__)

    assert tags_of(limited) == (["worker-1"], [])
    for question in (
        ("verify", "--worker", "1-2", "--require-consumers"),
        ("worker", "verify", "--all", "--settle", "0s"),
    ):
        assert limited(*question).lines == monitoring(*question).lines
    metrics = [line for line in limited("metrics").lines if line.startswith("attune_worker_queue_consumers")]
    assert [line.rpartition(" ")[2] for line in metrics] == ["1.0", "0.0"]
