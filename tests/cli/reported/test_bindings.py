"""Bindings that the management API cannot name, or the document could not say."""

from __future__ import annotations

from collections.abc import Mapping

import amqp
import pytest

from attune_infra.broker.http.management import Management
from support.as_a_user import Command
from support.virtual_host import VirtualHost

from .conftest import Write

PRUNE = ("--prune", "--allow-destructive", "--yes", "--max-deletes", "100%")


def import_binding(management: Management, vhost: VirtualHost, key: Mapping[str, object]) -> None:
    """Import a headers exchange, a queue, and a binding with this routing key or none."""
    binding = {"source": "h", "destination": "q", "destination_type": "queue", "arguments": {}, **key}
    definitions = {
        "exchanges": [
            {
                "name": "h",
                "type": "headers",
                "durable": True,
                "auto_delete": False,
                "internal": False,
                "arguments": {},
            }
        ],
        "queues": [{"name": "q", "durable": True, "auto_delete": False, "arguments": {}}],
        "bindings": [binding],
    }
    management.post("definitions", vhost.name, body=definitions)


@pytest.mark.parametrize("key", [{"routing_key": None}, {}], ids=["null", "missing"])
def test_a_binding_whose_key_is_no_text_is_named(
    key: Mapping[str, object], attune_infra: Command, management: Management, vhost: VirtualHost
) -> None:
    import_binding(management, vhost, key)

    exported = attune_infra("export")
    linted = attune_infra("lint", "--live")
    drawn = attune_infra("graph", "--live")

    assert (exported.code, drawn.code) == (0, 0)
    assert linted.code in {0, 2}
    assert "left out: bindings h -> q " in exported.stderr
    assert "h" in drawn.stdout
    assert "Traceback" not in exported.stderr + linted.stderr + drawn.stderr


def test_the_wanted_binding_stays_and_the_one_without_key_is_named(
    attune_infra: Command, management: Management, vhost: VirtualHost, write: Write
) -> None:
    import_binding(management, vhost, {})
    want = write("manages: ['.*']\nexchanges: {h: {type: headers}}\nqueues: {q: {bindings: [{exchange: h}]}}")

    done = attune_infra(
        "setup", "--topology", want, "--prune", "--allow-destructive", "--yes", "--max-deletes", "100%"
    )

    assert not [line for line in done.lines if line.startswith("- binding") and line.endswith(": deleted")]
    assert [line for line in done.lines if "binding h -> q" in line and "kept" in line]
    there = management.get("bindings", vhost.name, "e", "h", "q", "q")
    assert "" in [item["routing_key"] for item in there]


def test_keys_that_mean_something_else_in_a_path_are_pruned(
    attune_infra: Command, management: Management, vhost: VirtualHost, write: Write
) -> None:
    text = "manages: ['.*']\nexchanges: {'e/x+1%20 a~b': {type: topic}}\nqueues: {'q/1+2%2F ~é': {bindings: [%s]}}"
    keys = [".", "..", "a/b", "a%2Fb", "a+b", " ", "", "name~", "~name", "~", "a?b=c&d#e", "é.名"]
    bindings = ", ".join(f"{{exchange: 'e/x+1%20 a~b', routing_key: '{key}'}}" for key in keys)
    assert attune_infra("setup", "--topology", write(text.replace("%s", bindings))).code == 0
    want = write(text.replace("%s", ""))

    done = attune_infra(
        "setup", "--topology", want, "--prune", "--allow-destructive", "--yes", "--max-deletes", "100%"
    )

    assert done.code == 0
    assert sum(line.endswith(": deleted") for line in done.lines) == len(keys)
    left = management.get("queues", vhost.name, "q/1+2%2F ~é", "bindings")
    assert [item["source"] for item in left] == [""]


def test_header_presence_is_declared_exported_and_traced(
    attune_infra: Command, channel: amqp.Channel, write: Write
) -> None:
    document = write("""
exchanges: {h: {type: headers}}
queues: {q: {bindings: [{exchange: h, arguments: {tenant: {present: true}}}]}}
""")
    assert attune_infra("setup", "--topology", document).code == 0

    for value in ("a", 1, ""):
        headers = {"tenant": value}
        channel.basic_publish(amqp.Message("", application_headers=headers), exchange="h")
        assert channel.basic_get("q", no_ack=True) is not None
    traced = attune_infra("trace", "--live", "h", "", "--header", "tenant=a")
    exported = attune_infra("export")

    assert traced.code == 0
    assert "reaches 1 queue: q" in traced.lines
    assert "present: true" in exported.stdout
    assert attune_infra("diff", "--topology", write(exported.stdout)).code == 0


def test_an_argument_name_that_no_frame_can_hold_is_refused_with_its_place(
    attune_infra: Command, write: Write
) -> None:
    long = "y" * 300
    document = write(f"queues:\n  x:\n    arguments:\n      ? {long}\n      : 1\n")

    for arguments in (("topology", "check", document), ("setup", "--topology", document)):
        refused = attune_infra(*arguments)
        assert refused.code == 1
        assert ":4:9: the argument name 'yyyy" in refused.stdout + refused.stderr
        assert "is 300 bytes long; at most 255 fit" in refused.stdout + refused.stderr
