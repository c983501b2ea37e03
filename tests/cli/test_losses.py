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


POLICY = """
queues: {jobs: {}, idle: {}}
policies:
  jobs: {pattern: '^jobs$', apply_to: queues, definition: DEFINITION}
"""


@pytest.fixture
def jobs(tmp_path: Path, attune_infra: Command, channel: amqp.Channel) -> Path:
    """A document with a policy, and four messages in the queue that it applies to."""
    document = tmp_path / "jobs.yaml"
    document.write_text(POLICY.replace("DEFINITION", "{max-length: 9}"))
    assert attune_infra("setup", str(document)).code == 0
    channel.confirm_select()
    for _ in range(4):
        channel.basic_publish_confirm(amqp.Message("x", delivery_mode=2), "", "jobs")
    return document


def test_a_policy_that_would_drop_messages_is_not_set_without_consent(
    jobs: Path, attune_infra: Command, broker: RabbitMQ
) -> None:
    jobs.write_text(
        POLICY.replace("DEFINITION", "{max-length: 1}") + "  more: {pattern: '^x$', definition: {expires: 9}}\n"
    )
    told = [
        "      max-length: have 9 (integer), want 1 (integer)",
        "      at stake: up to 3 messages",
        "        queue jobs: up to 3 messages (max-length: have 9 (integer), want 1 (integer))",
    ]

    for command in (("diff",), ("diff", "--explain"), ("setup", "--dry-run")):
        assert attune_infra(*command, str(jobs)).lines[:4] == ["! policy jobs differs", *told]
    [change, _] = attune_infra("diff", str(jobs), "-o", "json").json["changes"]
    asked = attune_infra("setup", str(jobs), "--allow-destructive")
    refused = attune_infra("setup", str(jobs))
    again = attune_infra("setup", str(jobs), "-o", "json")

    limits = {"attribute": "max-length", "have": 9, "want": 1}
    by_queue = [{"queue": "jobs", "messages": 3, "queue_may_go": False, "differences": [limits]}]
    assert change["at_stake"] == {"messages": 3, "queues": 0, "by_queue": by_queue}
    assert "error: no terminal to ask: Set 1 policy (lost: up to 3 messages) in virtual host test " in asked.stderr
    assert (refused.code, again.code) == (3, 4)
    sentence = "! policy jobs is not set: it can lose messages or queues, which needs --allow-destructive"
    assert refused.lines[:4] == [sentence, *told]
    [withheld] = [each for each in again.json["objects"] if each["status"] == "withheld"]
    assert (withheld["name"], withheld["at_stake"]) == ("jobs", change["at_stake"])
    assert broker.read().policies["jobs"].definition == {"max-length": 9}
    assert "more" in broker.read().policies
    assert broker.contents("jobs") == (4, 0)

    done = attune_infra("setup", str(jobs), "--allow-destructive", "--yes")

    assert done.code == 0
    assert "      was at stake: up to 3 messages" in done.lines
    assert broker.contents("jobs") == (1, 0)
    assert attune_infra("diff", str(jobs)).code == 0


def test_a_policy_that_would_delete_queues_is_not_set_without_consent(
    jobs: Path, attune_infra: Command, broker: RabbitMQ
) -> None:
    jobs.write_text(POLICY.replace("DEFINITION", "{expires: 1000}").replace("^jobs$", "."))

    refused = attune_infra("setup", str(jobs))

    assert refused.code == 4
    assert refused.lines[-5:] == [
        "      max-length: have 9 (integer), want none",
        "      at stake: up to 4 messages, 2 queues",
        "        queue idle: the queue (expires: have none, want 1000 (integer))",
        "        queue jobs: the queue and up to 4 messages (expires: have none, want 1000 (integer))",
        "3 objects: 2 unchanged, 1 withheld",
    ]
    assert attune_infra("setup", str(jobs), "--dry-run").code == 4
    assert broker.contents("jobs") == (4, 0)
    asked = attune_infra("setup", str(jobs), "--allow-destructive")
    assert (
        "error: no terminal to ask: Set 1 policy (lost: up to 4 messages, 2 queues) in virtual host test "
        in asked.stderr
    )


def test_a_pruned_policy_may_have_protected_messages(jobs: Path, attune_infra: Command, broker: RabbitMQ) -> None:
    lower = "  jobs.low: {pattern: '^jobs$', apply_to: queues, priority: -1, definition: {max-length: 2}}\n"
    jobs.write_text(POLICY.replace("DEFINITION", "{max-length: 9}") + lower)
    assert attune_infra("setup", str(jobs)).code == 0
    jobs.write_text("manages: ['^jobs$']\nqueues: {jobs: {}}\npolicies:\n" + lower)

    planned = attune_infra("diff", str(jobs), "--prune")
    kept = attune_infra("setup", str(jobs), "--prune")

    assert planned.lines[:3] == [
        "- policy jobs is undeclared",
        "      at stake: up to 2 messages",
        "        queue jobs: up to 2 messages (max-length: have 9 (integer), want 2 (integer))",
    ]
    assert (kept.code, broker.contents("jobs")) == (4, (4, 0))
    done = attune_infra("setup", str(jobs), "--prune", "--allow-destructive", "--yes")
    assert (done.code, broker.contents("jobs")) == (0, (2, 0))


@pytest.mark.parametrize("definition", ["{max-length: 4}", "{max-length: 90}", "{overflow: reject-publish}"])
def test_a_policy_that_loses_nothing_is_a_plain_update(
    jobs: Path, attune_infra: Command, broker: RabbitMQ, definition: str
) -> None:
    jobs.write_text(POLICY.replace("DEFINITION", definition))

    planned, done = attune_infra("diff", str(jobs)), attune_infra("setup", str(jobs))

    assert planned.lines[0] == "~ policy jobs differs"
    assert (done.code, broker.contents("jobs")) == (0, (4, 0))
    assert "at stake" not in planned.stdout + done.stdout


def test_a_digest_does_not_depend_on_the_number_of_messages(
    jobs: Path, attune_infra: Command, channel: amqp.Channel
) -> None:
    jobs.write_text(POLICY.replace("DEFINITION", "{max-length: 3}"))
    before = attune_infra("diff", str(jobs), "-o", "json").json
    channel.basic_publish_confirm(amqp.Message("x", delivery_mode=2), "", "jobs")
    after = attune_infra("diff", str(jobs), "-o", "json").json
    channel.queue_purge("jobs")
    empty = attune_infra("diff", str(jobs), "-o", "json").json

    assert [found["changes"][0].get("at_stake", {}).get("messages") for found in (before, after, empty)] == [
        1,
        2,
        None,
    ]
    assert len({found["digest"] for found in (before, after, empty)}) == 1
