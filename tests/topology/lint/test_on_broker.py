"""The rules that state what RabbitMQ does, asked of a real one."""

from __future__ import annotations

import amqp
import pytest

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.operations.setup import setup
from attune_infra.topology.document.parse import parse
from attune_infra.topology.lint.linter import lint
from attune_infra.topology.lint.rules import choose_rules
from support.eventually import eventually

MATCHING, OTHER = "a", "other"


def alternate(exchanges: str, bindings: str) -> str:
    """Return a document with an exchange `e` and its alternate exchange `f`; `q` is bound to both."""
    return f"""
exchanges:
  e: {{type: topic, arguments: {{alternate-exchange: f}}}}
  {exchanges}
queues:
  q: {{bindings: [{{exchange: e, routing_key: {MATCHING}}}, {bindings}]}}
"""


KEPT = {
    "fanout": alternate("f: {type: fanout}", "{exchange: f}"),
    "topic": alternate("f: {type: topic}", "{exchange: f, routing_key: '#'}"),
    "headers": alternate("f: {type: headers}", "{exchange: f, arguments: {x-match: all}}"),
    "alternate of an alternate": alternate(
        "f: {arguments: {alternate-exchange: g}}\n  g: {type: fanout}", "{exchange: g}"
    ),
    "exchange behind it": alternate(
        "f: {type: fanout}\n  g: {type: fanout, bindings: [{exchange: f}]}", "{exchange: g}"
    ),
}
LOST = {
    "missing": alternate("f2: {}", "{exchange: f2, routing_key: a}"),
    "without bindings": alternate("f: {type: fanout}\n  g: {type: fanout}", "{exchange: g}"),
    "direct": alternate("f: {}", "{exchange: f, routing_key: a}"),
    "topic": alternate("f: {type: topic}", "{exchange: f, routing_key: 'b.#'}"),
    "headers": alternate("f: {type: headers}", "{exchange: f, arguments: {a: b}}"),
    "circle": alternate("f: {arguments: {alternate-exchange: e}}", "{exchange: f, routing_key: a}"),
    "exchange behind it": alternate(
        "f: {type: fanout, arguments: {alternate-exchange: h}}\n  h: {type: fanout}"
        "\n  g: {bindings: [{exchange: f}]}",
        "{exchange: h}, {exchange: g, routing_key: a}",
    ),
    "default exchange": alternate("f: {}", "{exchange: f, routing_key: a}").replace(
        "{alternate-exchange: f}", "{alternate-exchange: ''}"
    ),
}


def is_routed(channel: amqp.Channel, key: str) -> bool:
    """Return whether a message to `e` gets to `q`."""
    channel.confirm_select()
    channel.basic_publish_confirm(amqp.Message("x"), "e", key)
    return channel.basic_get("q", no_ack=True) is not None


@pytest.mark.parametrize(
    ("document", "is_kept"),
    [(document, True) for document in KEPT.values()] + [(document, False) for document in LOST.values()],
    ids=[f"kept: {name}" for name in KEPT] + [f"lost: {name}" for name in LOST],
)
def test_an_alternate_exchange_loses_messages_if_lint_says_so(
    document: str, is_kept: bool, broker: RabbitMQ, channel: amqp.Channel
) -> None:
    topology = parse(document, source="x.yaml")
    assert setup(broker, topology).exit_code == 0

    assert is_routed(channel, MATCHING)
    assert is_routed(channel, OTHER) == is_kept
    found = lint(topology, rules=choose_rules(["AI021", "AI025"], [])).findings
    assert ("exchange e" not in {finding.object for finding in found}) == is_kept


VANISHING = """
exchanges:
  outer: {type: fanout, auto_delete: true}
  inner: {type: fanout, auto_delete: true, bindings: [{exchange: outer}]}
  kept: {type: fanout}
queues:
  q: {auto_delete: true, bindings: [{exchange: inner}, {exchange: kept}]}
"""


def test_a_queue_and_its_exchanges_vanish_with_its_last_consumer_if_lint_says_so(
    broker: RabbitMQ, channel: amqp.Channel
) -> None:
    topology = parse(VANISHING, source="x.yaml")
    assert setup(broker, topology).exit_code == 0

    channel.basic_cancel(channel.basic_consume("q"))

    left = eventually(broker.read, lambda found: not found.queues and len(found.exchanges) == 1)
    gone = {f"queue {name}" for name in topology.queues.keys() - left.queues.keys()}
    gone |= {f"exchange {name}" for name in topology.exchanges.keys() - left.exchanges.keys()}
    found = lint(topology, rules=choose_rules(["AI026", "AI038"], [])).findings
    assert gone == {"queue q", "exchange inner", "exchange outer"}
    assert {finding.object for finding in found} == gone
