"""Plans as a user sees them: expected, refused, allowed, explained; topologies from files."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import amqp
import pytest

from attune_infra.broker.rabbitmq import RabbitMQ
from support.as_a_user import Command, clean_environment
from support.virtual_host import VirtualHost

DOCUMENT = """
exchanges: {mine.e: {type: topic}}
queues:
  mine.q:
    arguments: {x-message-ttl: 60000}
    bindings: [{exchange: mine.e, routing_key: a}]
manages: ['mine\\..*']
"""


@pytest.fixture
def document(tmp_path: Path) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(DOCUMENT)
    return str(path)


def digest(result_lines: list[str]) -> str:
    [found] = [line.removeprefix("plan ") for line in result_lines if line.startswith("plan ")]
    return found


def test_only_the_expected_plan_is_carried_out(
    attune_infra: Command, document: str, channel: amqp.Channel, broker: RabbitMQ
) -> None:
    expected = digest(attune_infra("diff", document).lines)
    channel.exchange_declare("mine.e", "topic", durable=True, auto_delete=False)

    moved = attune_infra("setup", document, "--expect", expected)
    assert moved.code == 4
    assert moved.stderr.startswith("error: the plan is now ")
    assert broker.read().queues == {}

    assert attune_infra("setup", document, "--expect", digest(attune_infra("diff", document).lines)).code == 0


def test_a_plan_is_the_same_however_the_document_is_named(attune_infra: Command, document: str) -> None:
    digests = {
        digest(attune_infra(*arguments, environment=environment).lines)
        for arguments, environment in (
            (("diff", document), {}),
            (("diff", "--topology", document), {}),
            (("diff",), {"ATTUNE__MESSAGE_QUEUE__TOPOLOGY": document}),
        )
    }

    assert len(digests) == 1
    twice = attune_infra("diff", document, "--topology", document)
    assert (twice.code, twice.stderr.splitlines()[0]) == (64, "error: the topology is given twice")


def test_what_would_be_lost_is_refused_with_what_would_do_instead(
    attune_infra: Command, document: str, channel: amqp.Channel, broker: RabbitMQ
) -> None:
    channel.queue_declare("mine.q", durable=True, auto_delete=False)
    attune_infra("setup", document)

    refused = attune_infra("setup", document)

    line = f"attune-infra migrate mine.q --topology {document}"
    assert refused.code == 4
    assert refused.lines[:8] == [
        "! queue mine.q exists but differs",
        "      x-message-ttl: have none, want 60000 (integer)",
        "      RabbitMQ cannot change this in place; it must be deleted and recreated",
        "      would be lost: 0 messages, 0 consumers, 0 bindings",
        "      created again: 1 binding",
        "      this policy has the same effect, if the document leaves out the arguments:",
        r"        mine.q: {pattern: '^mine\.q$', apply_to: queues, definition: {message-ttl: 60000}}",
        f"      `{line}` does it with the arguments and keeps every message",
    ]
    unconfirmed = attune_infra("setup", document, "--allow-destructive")
    assert unconfirmed.code == 4
    assert "error: no terminal to ask: Recreate 1 object in virtual host test " in unconfirmed.stderr
    assert attune_infra("setup", document, "--yes").code == 4
    assert broker.read().queues["mine.q"].arguments == {}

    allowed = attune_infra("setup", document, "--allow-destructive", "--yes")
    assert allowed.code == 0
    assert "~ queue mine.q declared with x-message-ttl 60000: recreated" in allowed.lines
    assert attune_infra("verify", "--topology", document).code == 0


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 4)])
def test_on_a_terminal_it_asks_once(
    document: str, vhost: VirtualHost, channel: amqp.Channel, *, broker: RabbitMQ, answer: str, code: int
) -> None:
    channel.queue_declare("mine.old", durable=True, auto_delete=False)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "attune_infra", "setup", document, "--prune", "--allow-destructive"],
        env=clean_environment() | vhost.environment,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    os.write(ours, f"{answer}\n".encode())
    process.communicate(timeout=60)
    os.close(ours)

    assert process.returncode == code
    assert ("mine.old" in broker.read().queues) == (answer == "n")


def test_reasons_are_given_when_asked_for(attune_infra: Command, channel: amqp.Channel) -> None:
    attune_infra("setup")
    channel.queue_declare("somebody's", durable=True, auto_delete=False)

    text = attune_infra("diff", "--explain")
    data = attune_infra("diff", "--explain", "--output", "json")

    assert (text.code, data.code) == (0, 0)
    assert "queue somebody's is undeclared, and kept" in text.lines
    assert {item["drift"] for item in data.json["explanations"]} == {False}
    assert len(data.json["explanations"]) == 13
    assert data.json["digest"] == attune_infra("diff", "-o", "json").json["digest"]
