"""Objects that belong to RabbitMQ, to a plugin or to one connection: left alone, and never called missing."""

from __future__ import annotations

from pathlib import Path

import amqp
import pytest

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.topology.facts.machinery import is_machinery, owner_of_name
from attune_infra.topology.model import Exchange, Queue
from support.as_a_user import Command

DOCUMENT = """
manages: ['.*']
exchanges: {e: {type: topic}}
queues: {mine.q: {bindings: [{exchange: e, routing_key: k}]}}
"""
QUEUES = ("mqtt-subscription-phoneqos1", "stomp-subscription-PTNvnfm", "federation: e -> there:down:e", "own")
"""Names as the plugins make them; the last queue has an argument by which they mark their objects."""


@pytest.fixture
def document(tmp_path: Path) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(DOCUMENT)
    return str(path)


@pytest.fixture
def machinery(channel: amqp.Channel) -> amqp.Channel:
    """A virtual host with an exchange of ours, and objects like those that plugins make and bind to it."""
    channel.exchange_declare("e", "topic", durable=True, auto_delete=False)
    for name in QUEUES:
        arguments = {"x-internal-purpose": "federation"} if name == "own" else {}
        channel.queue_declare(name, durable=True, auto_delete=False, arguments=arguments)
        channel.queue_bind(name, "e", "#")
    channel.exchange_declare(f"{QUEUES[2]} B", "fanout", durable=True, auto_delete=True)
    channel.queue_bind(QUEUES[2], f"{QUEUES[2]} B")
    channel.exchange_bind(f"{QUEUES[2]} B", "e", "#")
    return channel


def test_plugins_keep_their_objects(
    machinery: amqp.Channel, document: str, attune_infra: Command, broker: RabbitMQ
) -> None:
    pruned = attune_infra("setup", document, "--prune", "--allow-destructive", "--yes")
    verified = attune_infra("verify", "--topology", document, "--strict")
    exported, linted = attune_infra("export"), attune_infra("lint", "--live")

    assert (pruned.code, pruned.lines[-1]) == (0, "3 objects: 2 created, 1 unchanged")
    assert (verified.code, [line for line in verified.lines if "undeclared" in line]) == (0, [])
    for output in (exported.stdout, linted.stdout, linted.stderr):
        assert not [name for name in QUEUES if name in output]
    assert set(broker.read(private=True).queues) == {*QUEUES, "mine.q"}
    assert machinery.is_open


def test_a_declared_object_of_a_plugin_is_compared(
    machinery: amqp.Channel, tmp_path: Path, attune_infra: Command
) -> None:
    path = tmp_path / "mqtt.yaml"
    path.write_text(DOCUMENT.replace("mine.q", QUEUES[0]).replace("routing_key: k", "routing_key: '#'"))

    assert attune_infra("diff", str(path)).code == 0
    assert machinery.is_open


def test_a_queue_that_another_connection_holds_is_not_missing(
    document: str, attune_infra: Command, channel: amqp.Channel
) -> None:
    channel.queue_declare("mine.q", exclusive=True)

    explained = attune_infra("diff", document, "--explain")
    set_up = attune_infra("setup", document)
    verified = attune_infra("verify", "--topology", document)
    forced = attune_infra("setup", document, "--allow-destructive", "--yes")

    exclusive = "it is exclusive to another connection, which alone can use and delete it"
    assert "! queue mine.q exists but differs" in explained.lines
    assert "      exclusive: have true (boolean), want false (boolean)" in explained.lines
    assert explained.lines.count(f"      {exclusive}") == 2
    assert "! queue mine.q exists but differs" in set_up.lines
    assert (set_up.code, forced.code) == (3, 1)
    assert "failed   queue mine.q: differs" in verified.lines
    assert any("RESOURCE_LOCKED" in line for line in forced.lines)


def test_names_and_marks_tell_an_owner() -> None:
    assert owner_of_name("mqtt-subscription-aqos0") == "the MQTT plugin"
    assert owner_of_name("amq.gen-x") == "RabbitMQ"
    assert owner_of_name("mqtt") is None
    assert is_machinery(Exchange(name="x", arguments={"x-internal-purpose": "federation"}))
    assert not is_machinery(Queue(name="federation"))
