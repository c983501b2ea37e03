"""Drift, and the losses by its repair."""

from __future__ import annotations

import json

import pytest

from attune_infra.broker.http.management import Management
from support.as_a_user import Command
from support.virtual_host import VirtualHost

from .conftest import Write


@pytest.mark.since((4, 3), "older releases compare no such argument")
def test_a_timeout_of_consumers_that_the_broker_compares_is_drift(attune_infra: Command, write: Write) -> None:
    assert (
        attune_infra(
            "setup", "--topology", write("queues: {slow: {type: quorum, arguments: {x-consumer-timeout: 60000}}}")
        ).code
        == 0
    )
    want = write("""
queues:
  slow:
    type: quorum
    arguments: {x-consumer-timeout: 7200000, x-delayed-retry-type: failed, x-delayed-retry-min: 2000}
""")

    shown = attune_infra("diff", "--topology", want)

    assert shown.code == 2
    assert "      x-consumer-timeout: have 60000 (integer), want 7200000 (integer)" in shown.lines
    assert "      RabbitMQ cannot change this in place; it must be deleted and recreated" in shown.lines


RECREATED = """
exchanges:
  events: {{type: topic}}
  temporary: {{type: fanout, auto_delete: true}}
queues:
  photos:
    arguments: {arguments}
    bindings:
      - {{exchange: events, routing_key: 'photo.created.#'}}
      - {{exchange: temporary}}
"""


def test_a_binding_of_a_foreign_exchange_that_a_recreation_loses_is_named_before(
    attune_infra: Command, management: Management, vhost: VirtualHost, write: Write
) -> None:
    attune_infra("setup", "--topology", write(RECREATED.format(arguments="{x-message-ttl: 259200000}")))
    management.put("exchanges", vhost.name, "foreign", body={"type": "topic", "durable": True})
    management.post("bindings", vhost.name, "e", "foreign", "q", "photos", body={"routing_key": "a"})
    want = write(RECREATED.format(arguments="{x-message-ttl: 86400000}"))

    shown = attune_infra("diff", "--topology", want)
    [change] = attune_infra("diff", "--topology", want, "--output", "json").json["changes"]
    done = attune_infra("setup", "--topology", want, "--allow-destructive", "--yes")

    assert "would be lost: 0 messages, 0 consumers, 1 binding" in shown.stdout
    assert "binding foreign -> photos with routing key a" in shown.stdout
    assert change["loss"] == {"messages": 0, "consumers": 0, "bindings": 1, "exchanges": 0}
    assert [item["source"] for item in change["lost"]] == ["foreign"]
    assert "binding foreign -> photos with routing key a" in done.stdout
    assert attune_infra("diff", "--topology", want).code == 0


CHAIN = """
exchanges:
  up: {{type: topic}}
  snapshot: {{type: {kind}, bindings: [{{exchange: up, routing_key: 'snap.#'}}]}}
  down: {{type: fanout, auto_delete: true, bindings: [{{exchange: snapshot}}]}}
queues:
  listener: {{bindings: [{{exchange: snapshot}}]}}
  d: {{bindings: [{{exchange: down}}]}}
"""


def test_all_that_goes_with_a_recreated_exchange_comes_back(
    attune_infra: Command, management: Management, vhost: VirtualHost, write: Write
) -> None:
    attune_infra("setup", "--topology", write(CHAIN.format(kind="fanout")))
    management.put("queues", vhost.name, "foreign", body={"durable": True})
    management.post("bindings", vhost.name, "e", "snapshot", "q", "foreign", body={"routing_key": ""})
    want = write(CHAIN.format(kind="topic"))

    [change] = attune_infra("diff", "--topology", want, "--output", "json").json["changes"]
    done = attune_infra("setup", "--topology", want, "--allow-destructive", "--yes")

    assert [item["destination"] for item in change["lost"]] == ["foreign"]
    assert done.code == 0
    assert attune_infra("diff", "--topology", want).code == 0


@pytest.mark.parametrize("before", ["{}", "{x-message-ttl: 259200000}"])
def test_advice_instead_of_a_recreation_ends_in_no_differences(
    before: str, attune_infra: Command, write: Write
) -> None:
    attune_infra("setup", "--topology", write(f"queues: {{photos: {{arguments: {before}}}}}"))
    want = write("queues: {photos: {arguments: {x-message-ttl: 86400000}}}")

    [advised] = attune_infra("setup", "--topology", want, "--output", "json").json["objects"]

    assert advised["status"] == "differs"
    assert ("instead" in advised) == (before == "{}")
    if policy := advised.get("instead"):
        advice = write(json.dumps({"queues": {"photos": {}}, "policies": {policy.pop("name"): policy}}))
        assert attune_infra("setup", "--topology", advice).code == 0
        assert attune_infra("diff", "--topology", advice).code == 0


MANAGED = """
manages: ['^alert', '^log_']
exchanges: {{log_messages: {{type: headers}}}}
queues: {{alerter: {{bindings: [{{exchange: log_messages, arguments: {arguments}}}]}}}}
"""


def test_a_prefix_in_manages_claims_the_names_that_begin_with_it(attune_infra: Command, write: Write) -> None:
    attune_infra("setup", "--topology", write(MANAGED.format(arguments="{x-match: all, log_level: error}")))
    want = write(MANAGED.format(arguments="{x-match: all, loglevel: warn}"))

    done = attune_infra("setup", "--topology", want, "--prune", "--allow-destructive", "--yes")

    assert done.code == 0
    assert [line for line in done.lines if line.startswith("- binding") and "'error'" in line]
    assert (
        "binding" not in attune_infra("verify", "--topology", want, "--strict").stdout.partition("undeclared")[2]
    )
