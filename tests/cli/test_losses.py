"""Everything that a plan would lose is named before anything is deleted, and nothing else is lost."""

from __future__ import annotations

from pathlib import Path

import amqp
import pytest

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.topology.model import Binding, Exchange
from support.as_a_user import Command

PHOTOS = """
exchanges:
  dlq_ms: {type: topic}
  temp: {type: fanout, auto_delete: true}
queues:
  dlq_ms;photo_set:
    ARGUMENTS
    bindings:
      - {exchange: dlq_ms, routing_key: 'event.photo_set.created.#'}
      - {exchange: temp}
"""
SNAPSHOT = """
exchanges:
  up: {type: topic}
  Snapshot: {type: TYPE, bindings: [{exchange: up, routing_key: 'snap.#'}]}
  down: {type: fanout, auto_delete: true, bindings: [{exchange: Snapshot}]}
queues:
  listener: {bindings: [{exchange: Snapshot, routing_key: 'KEY'}]}
  d: {bindings: [{exchange: down}]}
"""


@pytest.fixture
def photos(tmp_path: Path, attune_infra: Command) -> str:
    """The document that wants a queue to be recreated, which a binding from elsewhere has."""
    document = tmp_path / "photos.yaml"
    document.write_text(PHOTOS.replace("ARGUMENTS", "arguments: {}"))
    assert attune_infra("setup", str(document)).code == 0
    document.write_text(PHOTOS.replace("ARGUMENTS", "arguments: {x-message-ttl: 5}"))
    return str(document)


def test_bindings_from_elsewhere_are_named_and_those_that_come_back_are_not(
    photos: str, attune_infra: Command, channel: amqp.Channel, broker: RabbitMQ
) -> None:
    channel.exchange_declare("foreign", "direct", durable=True, auto_delete=False)
    channel.queue_bind("dlq_ms;photo_set", "foreign", "k")
    channel.confirm_select()
    channel.basic_publish_confirm(amqp.Message("x"), "temp")
    foreign = Binding(source="foreign", destination="dlq_ms;photo_set", routing_key="k")
    told = [
        "! queue dlq_ms;photo_set exists but differs",
        "      x-message-ttl: have none, want 5 (integer)",
        "      RabbitMQ cannot change this in place; it must be deleted and recreated",
        "      would be lost: 1 message, 0 consumers, 1 binding",
        "        binding foreign -> dlq_ms;photo_set with routing key k",
        "      created again: 2 bindings, 1 exchange",
    ]

    for command in (("diff", photos), ("diff", photos, "--explain"), ("setup", photos, "--dry-run")):
        assert attune_infra(*command).lines[:6] == told
    [change] = attune_infra("diff", photos, "-o", "json").json["changes"]
    assert change["loss"] == {"messages": 1, "consumers": 0, "bindings": 1, "exchanges": 0}
    assert [(each["source"], each["destination"]) for each in change["lost"]] == [("foreign", "dlq_ms;photo_set")]
    again = [each.get("name", each.get("source")) for each in change["created_again"]]
    assert sorted(again) == ["dlq_ms", "temp", "temp"]
    asked = attune_infra("setup", photos, "--allow-destructive")
    assert (
        "error: no terminal to ask: Recreate 1 object (lost: 1 message, 1 binding) in virtual host test "
        in asked.stderr
    )
    refused = attune_infra("setup", photos)
    assert told[3:] == [line for line in refused.lines if line in told[3:]]

    before = broker.read().bindings
    done = attune_infra("setup", photos, "--allow-destructive", "--yes")

    assert done.code == 0
    assert "      lost with the old one: 1 message, 0 consumers, 1 binding" in done.lines
    assert "+ exchange temp declared as fanout, durable, auto-delete: created" in done.lines
    assert before - broker.read().bindings == {foreign}
    assert attune_infra("diff", photos).code == 0


def test_an_exchange_is_recreated_with_the_wanted_bindings_on_both_sides(
    tmp_path: Path, attune_infra: Command, broker: RabbitMQ, channel: amqp.Channel
) -> None:
    document = tmp_path / "snapshot.yaml"
    document.write_text(SNAPSHOT.replace("TYPE", "topic").replace("KEY", "#"))
    assert attune_infra("setup", str(document)).code == 0
    private, *_ = channel.queue_declare("", exclusive=True)
    channel.queue_bind(private, "Snapshot", "x")
    document.write_text(SNAPSHOT.replace("TYPE", "fanout").replace("KEY", ""))

    [change, *_] = [
        each for each in attune_infra("diff", str(document), "-o", "json").json["changes"] if "loss" in each
    ]
    done = attune_infra("setup", str(document), "--allow-destructive", "--yes")

    lost = {(each["destination"], each["routing_key"]) for each in change["lost"]}
    assert lost == {("listener", "#"), (private, "x")}
    assert {(each["source"], each["destination"]) for each in change["created_again"]} == {
        ("up", "Snapshot"),
        ("Snapshot", "down"),
    }
    assert done.code == 0
    assert attune_infra("diff", str(document)).code == 0
    assert broker.read().exchanges["down"] == Exchange(name="down", type="fanout", auto_delete=True)


def test_what_goes_along_with_a_pruned_object_is_named_and_made_again_if_it_is_wanted(
    tmp_path: Path, attune_infra: Command, broker: RabbitMQ, channel: amqp.Channel
) -> None:
    document = tmp_path / "pruned.yaml"
    document.write_text("manages: ['old.*']\nexchanges: {wanted: {type: fanout, auto_delete: true}}\n")
    for name in ("wanted", "foreign"):
        channel.exchange_declare(name, "fanout", durable=True, auto_delete=True)
        channel.queue_declare(f"old.{name}", durable=True, auto_delete=False)
        channel.queue_bind(f"old.{name}", name)
    channel.confirm_select()
    channel.queue_declare("old.full", durable=True, auto_delete=False)
    channel.basic_publish_confirm(amqp.Message("x"), "", "old.full")

    planned = attune_infra("diff", str(document), "--prune")
    done = attune_infra("setup", str(document), "--prune", "--allow-destructive", "--yes")

    assert "      would be lost: 0 messages, 0 consumers, 0 bindings, 1 exchange" in planned.lines
    assert "        exchange foreign" in planned.lines
    assert "      created again: 1 exchange" in planned.lines
    assert "      it has 1 message and 0 consumers; while that is so, it is kept" in planned.lines
    assert done.code == 3
    assert set(broker.read().exchanges) == {"wanted"}
    assert set(broker.read().queues) == {"old.full"}
