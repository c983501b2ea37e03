"""Exchanges and queues that another document owns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from attune_infra.broker.http.management import Management
from attune_infra.topology.document.parse import parse
from attune_infra.topology.document.problems import InvalidDocument
from attune_infra.topology.document.write import write
from support.as_a_user import Command
from support.virtual_host import VirtualHost

OWN = """
exchanges:
  handoff: {external: true}
  shared.dlx: {external: true, type: fanout, bindings: [{exchange: mine}]}
  mine: {type: topic}
queues:
  input:
    arguments: {x-dead-letter-exchange: shared.dlx}
    bindings: [{exchange: handoff, routing_key: 'x.#'}, {exchange: mine, routing_key: a}]
  theirs: {external: true, type: quorum, bindings: [{exchange: mine, routing_key: b}]}
"""
OWNER = """
manages: ['^handoff', '^shared', '^theirs']
exchanges: {handoff: {type: topic}, shared.dlx: {type: fanout}}
queues: {theirs: {type: quorum}}
"""


@pytest.fixture
def document(tmp_path: Path) -> str:
    path = tmp_path / "own.yaml"
    path.write_text(OWN)
    return str(path)


@pytest.fixture
def owner(tmp_path: Path) -> str:
    path = tmp_path / "owner.yaml"
    path.write_text(OWNER)
    return str(path)


def test_a_missing_external_object_is_drift_and_all_else_is_made(attune_infra: Command, document: str) -> None:
    shown = attune_infra("diff", "--topology", document)
    tried = attune_infra("setup", "--topology", document, "--dry-run")
    made = attune_infra("setup", "--topology", document)
    verified = attune_infra("verify", "--topology", document)

    assert shown.code == 2
    assert "! exchange handoff is missing; it is external, so its owner must declare it" in shown.lines
    assert "      it waits for queue theirs" in shown.lines
    assert "3 to create, 3 awaited, 3 waiting" in shown.lines
    assert (tried.code, made.code) == (3, 3)
    assert made.lines[-1] == "9 objects: 3 created, 3 skipped, 3 awaited"
    assert verified.code == 2
    assert "failed   queue theirs: is missing; it is external, so its owner must declare it" in verified.lines


def test_an_existing_external_object_is_bound_and_never_changed(
    attune_infra: Command, management: Management, vhost: VirtualHost, document: str, owner: str
) -> None:
    attune_infra("setup", "--topology", owner)
    before = management.get("exchanges", vhost.name, "shared.dlx", columns="type,durable,arguments")

    assert attune_infra("setup", "--topology", document).code == 0
    assert attune_infra("diff", "--topology", document).code == 0
    assert (
        attune_infra("verify", "--topology", document).code == 2
    )  # dead letters are lost: shared.dlx has no queue
    pruned = attune_infra("setup", "--topology", document, "--prune", "--allow-destructive", "--yes")
    assert pruned.lines[-1] == "9 objects: 9 unchanged"
    assert management.get("exchanges", vhost.name, "shared.dlx", columns="type,durable,arguments") == before


def test_the_owner_keeps_the_bindings_of_others(attune_infra: Command, document: str, owner: str) -> None:
    attune_infra("setup", "--topology", owner)
    attune_infra("setup", "--topology", document)

    shown = attune_infra("diff", "--topology", owner, "--prune")

    assert [line for line in shown.lines if line.startswith("-")] == [
        "- binding mine -> shared.dlx is undeclared",
        "- binding mine -> theirs with routing key b is undeclared",
    ]


def test_bindings_of_others_to_an_external_object_are_not_pruned(
    attune_infra: Command, management: Management, vhost: VirtualHost, document: str, owner: str
) -> None:
    attune_infra("setup", "--topology", owner)
    attune_infra("setup", "--topology", document)
    management.post("bindings", vhost.name, "e", "amq.topic", "q", "theirs", body={"routing_key": "k"})
    Path(document).write_text("manages: ['.*']" + OWN)

    assert attune_infra("diff", "--topology", document, "--prune").code == 0


def test_an_external_object_of_another_type_is_drift(
    attune_infra: Command, management: Management, vhost: VirtualHost, document: str
) -> None:
    management.put("exchanges", vhost.name, "shared.dlx", body={"type": "topic", "durable": True})
    management.put("exchanges", vhost.name, "handoff", body={"type": "topic", "durable": True})
    management.put("queues", vhost.name, "theirs", body={"durable": True})

    made = attune_infra("setup", "--topology", document)

    assert made.code == 3
    assert "! queue theirs differs; it is external, so only its owner can change it" in made.lines
    assert "      type: have 'topic' (string), want 'fanout' (string)" in made.lines
    assert attune_infra("diff", "--topology", document).code == 2


def test_lint_and_trace_say_what_they_cannot_know(attune_infra_alone: Command, document: str) -> None:
    linted = attune_infra_alone("lint", document, "--ignore", "AI033")
    traced = attune_infra_alone("trace", "--topology", document, "handoff", "x.1")
    lost = attune_infra_alone("trace", "--topology", document, "shared.dlx", "x.1")
    drawn = attune_infra_alone("graph", "--topology", document)

    assert (linted.code, linted.lines) == (0, ["findings for RabbitMQ 4.3: none"])
    assert (traced.code, lost.code) == (0, 0)
    why = "that depends on the type of exchange handoff, which the document leaves out"
    assert f"? may reach 1 queue: input: {why}" in traced.lines
    assert "? may reach more queues through what is external: handoff" in traced.lines
    assert "goes on from an external exchange" in traced.stdout
    assert "! reaches no queue" not in lost.lines
    assert "exchange handoff (external)" in drawn.stdout


def test_trace_claims_nothing_about_the_dead_letters_of_an_external_queue(
    attune_infra_alone: Command, document: str
) -> None:
    traced = attune_infra_alone("trace", "--topology", document, "mine", "b", "--output", "json")
    drawn = attune_infra_alone("trace", "--topology", document, "mine", "b")

    assert (drawn.code, json.loads(traced.stdout)["lives"][0]["deaths"][0]["ending"]) == (0, "leaves")
    assert "its owner sets the dead letter exchange, not known here" in drawn.stdout
    assert "no dead letter exchange" not in drawn.stdout


def test_definitions_leave_out_what_is_external(attune_infra: Command, document: str, owner: str) -> None:
    attune_infra("setup", "--topology", owner)
    attune_infra("setup", "--topology", document)

    assert "external" not in attune_infra("export").stdout


def test_an_external_object_comes_back_as_it_was_written() -> None:
    topology = parse(OWN, source="own")

    assert parse(write(topology), source="written") == topology


def test_the_owner_alone_sets_the_attributes() -> None:
    with pytest.raises(InvalidDocument) as raised:
        parse(
            "exchanges: {e: {external: true, durable: false}}\nqueues: {q: {external: true, arguments: {a: 1}}}",
            source="own",
        )

    assert [(problem.line, problem.what) for problem in raised.value.problems] == [
        (1, "exchange 'e' is external, so its owner sets durable; leave it out"),
        (2, "queue 'q' is external, so its owner sets arguments; leave it out"),
    ]


def test_the_queues_of_workers_are_their_own() -> None:
    with pytest.raises(InvalidDocument, match="the queues of workers cannot be external"):
        parse("workers: {queues: {'w.{worker_id}': {external: true}}}", source="own")
