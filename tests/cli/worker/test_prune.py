"""`attune-infra worker deprovision` and `worker prune`: nothing that is in use goes unless told."""

from __future__ import annotations

import amqp
import pytest

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.fleet.register import Registration
from attune_infra.registry.workers import PostgresRegistry
from attune_infra.topology.model import Topology
from attune_infra.worker.dispatch import dispatch
from attune_infra.worker.provision import provision
from support.as_a_user import Command


@pytest.fixture
def run(
    attune_infra_with_registry: Command, broker: RabbitMQ, topology: Topology, registry: PostgresRegistry
) -> Command:
    """The command, with workers 1 to 3 registered and provisioned; number 1 holds two messages."""
    for name in ("full", "empty", "ok"):
        registry.register(Registration(name=name))
    provision(broker, None, topology, (1, 2, 3))
    for _ in range(2):
        assert dispatch(broker, topology, 1, None).routed
    return attune_infra_with_registry


def queues(broker: RabbitMQ) -> list[int]:
    return sorted(int(name.split(".")[1]) for name in broker.read().queues)


def test_what_holds_messages_is_kept_and_they_are_counted(run: Command, broker: RabbitMQ) -> None:
    result = run("worker", "deprovision", "--id", "1-3", "--yes")

    assert result.code == 3
    assert result.lines == [
        "! queue worker.1.executions is kept: it holds 2 messages and has 0 consumers",
        "- queue worker.2.executions: deleted",
        "- queue worker.3.executions: deleted",
        "3 objects: 2 deleted, 1 kept",
    ]
    assert queues(broker) == [1]
    assert run("worker", "deprovision", "--id", "1", "--yes").code == 4
    assert run("worker", "deprovision", "--id", "2", "--yes").lines[0] == "nothing to remove"


@pytest.mark.parametrize("no_ack", [True, False])
def test_what_is_consumed_or_unacknowledged_is_kept(
    run: Command, channel: amqp.Channel, broker: RabbitMQ, no_ack: bool
) -> None:
    if no_ack:
        channel.basic_consume("worker.2.executions", no_ack=True)
    else:
        run("worker", "dispatch", "--id", "2")
        assert channel.basic_get("worker.2.executions") is not None

    result = run("worker", "deprovision", "--id", "2", "--yes")

    contents = "0 messages and has 1 consumer" if no_ack else "1 message and has 0 consumers"
    assert result.code == 4
    why = result.lines[0].removeprefix("! queue worker.2.executions is kept: ")
    assert why == f"it holds {contents}" or (no_ack and why == "it is in use")
    assert 2 in queues(broker)


def test_it_goes_all_the_same_if_that_is_said_twice(run: Command, broker: RabbitMQ) -> None:
    asked = run("worker", "deprovision", "--id", "1", "--even-if-used")
    assert asked.code == 4
    seen, count, _, question, hint = asked.stderr.splitlines()
    assert (seen, count, hint) == (
        "- queue worker.1.executions: it is worker 1 (full)'s; 2 messages, 0 consumers",
        "1 to remove",
        "hint:  look at it with --dry-run; then give --yes",
    )
    assert question.startswith(
        "error: no terminal to ask: Delete 1 queue (2 messages, 0 consumers) in virtual host test "
    )
    assert queues(broker) == [1, 2, 3]

    told = run("worker", "deprovision", "--id", "1", "--even-if-used", "--yes")
    assert told.code == 0
    assert told.lines[1].strip() == "lost with it: 2 messages, 0 consumers, 1 binding"
    assert queues(broker) == [2, 3]


def test_prune_takes_what_the_gone_left_and_shows_it_first(
    run: Command, channel: amqp.Channel, broker: RabbitMQ
) -> None:
    channel.queue_bind("worker.3.executions", "attune.executions", "worker.33")
    run("worker", "deregister", "--id", "1-2")
    seen = [
        "- binding attune.executions -> worker.3.executions with routing key worker.33: it is not worker 3 (ok)'s",
        "- queue worker.1.executions: worker 1 (full) is inactive; 2 messages, 0 consumers",
        "- queue worker.2.executions: worker 2 (empty) is inactive",
        "3 to remove",
    ]

    looked = run("worker", "prune", "--dry-run")
    assert (looked.code, looked.lines[:4]) == (3, seen)
    refused = run("worker", "prune")
    assert (refused.code, refused.stderr.splitlines()[:4]) == (4, seen)
    assert queues(broker) == [1, 2, 3]

    pruned = run("worker", "prune", "--yes")
    assert (pruned.code, pruned.lines[-1]) == (3, "3 objects: 2 deleted, 1 kept")
    assert queues(broker) == [1, 3]
    assert run("worker", "prune", "--yes", "--even-if-used").code == 0
    assert run("worker", "prune").lines[0] == "nothing to remove"
    assert queues(broker) == [3]


def test_deprovision_needs_no_registry(attune_infra: Command, broker: RabbitMQ, topology: Topology) -> None:
    provision(broker, None, topology, (1,))

    looked = attune_infra("worker", "deprovision", "--id", "1", "--dry-run")

    assert looked.lines[:2] == ["- queue worker.1.executions: it is worker 1's", "1 to remove"]
    assert attune_infra("worker", "deprovision", "--id", "1", "--yes").code == 0
    assert queues(broker) == []
