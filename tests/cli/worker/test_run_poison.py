"""`attune-infra worker run --max-attempts`: messages that kill their worker, and how often they may."""

from __future__ import annotations

from pathlib import Path

import amqp
import pytest

from attune_infra.broker.rabbitmq import RabbitMQ
from support.eventually import eventually
from support.fleet import Fleet, send
from support.under_test import DURABLE_WORKERS

KILL_WORKER = "kill -9 $PPID"
DOCUMENT = """
topology: poison
exchanges: {jobs: {type: direct}, dead: {type: fanout}}
queues: {morgue: {bindings: [{exchange: dead}]}}
workers:
  consumer_tag: worker-{worker_id}
  queues:
    worker.{worker_id}.jobs:
      type: TYPE
      arguments: {ARGUMENTS}
      bindings: [{exchange: attune.executions, routing_key: 'worker.{worker_id}'}]
"""
QUORUM = "quorum"
CLASSIC = "classic"


@pytest.fixture
def document(tmp_path: Path) -> Path:
    return tmp_path / "poison.yaml"


def write(document: Path, type_: str, arguments: str = "") -> tuple[str, ...]:
    """Write a document, and return the options of a worker that uses it."""
    text = DOCUMENT.replace("TYPE", type_).replace("ARGUMENTS", arguments)
    document.write_text(text.replace("jobs: {type", "attune.executions: {type"), encoding="utf-8")
    return ("--topology", str(document), "--dead-letter-exchange", "dead")


def killed_at_each_start(fleet: Fleet, channel: amqp.Channel, times: int, *options: str) -> None:
    """Let a message kill its worker so many times, as a service that starts it again would."""
    for time in range(times):
        worker = fleet.start("w", *options, command=KILL_WORKER)
        fleet.wait_until_consuming("w", times=time + 1)
        if not time:
            send(channel, "poison")
        assert worker.wait(timeout=30) == -9


def test_a_quorum_queue_counts_across_kills(
    fleet: Fleet, channel: amqp.Channel, broker: RabbitMQ, document: Path
) -> None:
    options = (*write(document, QUORUM), "--max-attempts", "2")
    killed_at_each_start(fleet, channel, 2, *options)

    fleet.start("w", *options)

    fleet.wait_for_words("w", "rejected: it was delivered 2 times before and never finished (--max-attempts 2)\n")
    assert fleet.handled_ids() == ["poison", "poison"]
    eventually(lambda: broker.contents("morgue"), (1, 0).__eq__)
    send(channel, "next")
    eventually(fleet.handled_ids, ["poison", "poison", "next"].__eq__)
    dead = channel.basic_get("morgue", no_ack=True)
    assert dead.headers["x-attune-reason"].startswith("it was delivered 2 times")
    assert not {"x-delivery-count", "x-acquired-count"} & dead.headers.keys()


def test_a_count_that_a_message_brings_along_is_not_believed(
    fleet: Fleet, channel: amqp.Channel, document: Path
) -> None:
    """Tools that move a message may copy the header of the quorum queue that it was in."""
    fleet.start("w", *write(document, QUORUM), "--max-attempts", "2")
    fleet.wait_until_consuming("w")

    message = amqp.Message('{"message_id": "moved"}', application_headers={"x-delivery-count": 9})
    channel.basic_publish(message, "attune.executions", "worker.1")

    eventually(fleet.handled_ids, ["moved"].__eq__)


def test_of_a_classic_queue_one_attempt_is_all_that_can_be_counted_across_kills(
    fleet: Fleet, channel: amqp.Channel, document: Path
) -> None:
    options = write(document, CLASSIC)
    killed_at_each_start(fleet, channel, 2, *options, "--max-attempts", "2")
    assert "RabbitMQ counts no deliveries of queue worker.1.jobs, which is not declared as a quorum" in fleet.talk(
        "w"
    )

    fleet.start("w", *options, "--max-attempts", "1")

    fleet.wait_for_words(
        "w", "rejected: it was delivered at least once before and never finished (--max-attempts 1)\n"
    )
    assert fleet.handled_ids() == ["poison", "poison"]


@pytest.mark.parametrize("exchange", ["dead", "missing"])
def test_a_dead_letter_exchange_that_leads_nowhere_is_told_at_the_start(
    fleet: Fleet, document: Path, exchange: str
) -> None:
    options = write(document, CLASSIC, f"x-dead-letter-exchange: {exchange}")
    document.write_text(document.read_text().replace("queues: {morgue: {bindings: [{exchange: dead}]}}\n", ""))

    fleet.start("w", *options)

    fleet.wait_until_consuming("w")
    words = "RabbitMQ drops the messages that are rejected in queue worker.1.jobs: its dead letter exchange "
    fleet.wait_for_words("w", f"{words}{exchange} leads to no queue\n")


@pytest.mark.since((4, 0), "it has no delivery limit by default")
def test_a_delivery_limit_that_drops_messages_is_told_at_the_start(fleet: Fleet, document: Path) -> None:
    fleet.start("w", *write(document, QUORUM))

    fleet.wait_until_consuming("w")
    fleet.wait_for_words(
        "w", "drops a message of queue worker.1.jobs after 21 deliveries without success, unless "
    )


def test_ways_to_lose_nothing_are_told_of_no_harm(fleet: Fleet) -> None:
    fleet.start("w", "--topology", str(DURABLE_WORKERS))

    fleet.wait_until_consuming("w")

    assert "drops" not in fleet.talk("w")
    assert "others consume" not in fleet.talk("w")
