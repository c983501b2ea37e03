"""The JSON Schema and `parse` must be of one mind, as far as a schema can tell."""

from __future__ import annotations

from contextlib import suppress

import jsonschema
import pytest
import yaml
from hypothesis import given, settings

from attune_infra.topology.builtin import NAMES, text_of
from attune_infra.topology.document.parse import parse
from attune_infra.topology.document.problems import InvalidDocument
from attune_infra.topology.document.schema.document import schema, schema_text
from attune_infra.topology.document.write import write
from attune_infra.topology.model import Topology
from support.folders import EXAMPLES
from support.strategies import topologies

DOCUMENTS = [*EXAMPLES.glob("*.yaml"), *EXAMPLES.glob("teams/*.yaml")]
VALIDATOR = jsonschema.Draft202012Validator(schema())

GOOD = r"""
topology: shop
manages: ['^shop\.']
exchanges:
  orders: {type: topic, durable: false, auto_delete: true, internal: true, arguments: {alternate-exchange: lost}}
  lost: {type: x-random, bindings: [{exchange: orders, routing_key: 'a.#'}]}
  plain:
  amq.topic: {bindings: [{exchange: orders}]}
queues:
  jobs: {type: quorum, arguments: {x-delivery-limit: 3, x-mine: [1, 1.5, true, {a: b}]}}
  log: {arguments: {x-queue-type: stream, x-max-age: 7D}}
  brief: {durable: false, arguments: {x-expires: 60000}}
  plain:
    arguments:
    bindings: [{exchange: amq.headers, arguments: {x-match: any}}, {exchange: orders, routing_key: k}]
policies:
  short: {pattern: '^j', apply_to: queues, priority: -2, definition: {max-length: 5, ha-mode: all}}
lint: {ignore: [{rule: AI030, object: queue jobs, reason: publishers know it}, {rule: AI007, reason: so be it}]}
workers:
  consumer_tag: tag {worker_id}
  queues:
    'w.{worker_id}': {durable: false, bindings: [{exchange: orders, routing_key: 'w.{worker_id}'}]}
routes:
  - {publish: {exchange: orders, routing_key: k, headers: {n: 1, CC: [a]}}, reaches: [plain, w.1]}
  - {publish: {exchange: ''}, reaches: []}
"""


def parses(text: str) -> bool:
    try:
        parse(text, source="x.yaml")
    except InvalidDocument:
        return False
    return True


def is_valid(text: str) -> bool:
    return bool(VALIDATOR.is_valid(yaml.safe_load(text)))


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


def test_an_overlay_is_valid() -> None:
    text = "extends: base.yaml\nqueues: {gone: null}\nvariables: {n: 1}\npolicies:\n"

    assert VALIDATOR.is_valid(yaml.safe_load(text))
    assert not VALIDATOR.is_valid(yaml.safe_load("extends: [base.yaml]"))


def test_the_examples_ship_with_it() -> None:
    """Mend it with `attune-infra topology schema >examples/topology.schema.json`."""
    assert (EXAMPLES / "topology.schema.json").read_text(encoding="utf-8") == schema_text()


@pytest.mark.parametrize(
    "text",
    [GOOD, *(text_of(name) for name in NAMES), *(path.read_text("utf-8") for path in DOCUMENTS)],
)
def test_both_take_what_is_right(text: str) -> None:
    parse(text, source="x.yaml")
    VALIDATOR.validate(yaml.safe_load(text))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("topology: shop", "topology: 5"),
        ("topology: shop", "topologie: shop"),
        ("['^shop\\.']", "'^shop\\.'"),
        ("['^shop\\.']", "[5]"),
        ("  orders: {type: topic", "  amq.orders: {type: topic"),
        ("{type: topic", "{type: ''"),
        ("{type: topic", "{type: 5"),
        ("{type: topic", "{kind: topic"),
        ("durable: false, auto_delete: true, internal", "durable: 'no', auto_delete: true, internal"),
        ("durable: false, auto_delete: true, internal", "durable: null, auto_delete: true, internal"),
        ("{alternate-exchange: lost}", "{alternate-exchange: 5}"),
        ("{alternate-exchange: lost}", "[alternate-exchange]"),
        ("amq.topic: {bindings: [{exchange: orders}]}", "amq.topic: {type: topic}"),
        ("amq.topic: {bindings: [{exchange: orders}]}", "amq.nothing: {bindings: [{exchange: orders}]}"),
        ("[{exchange: orders, routing_key: 'a.#'}]", "[{routing_key: 'a.#'}]"),
        ("[{exchange: orders, routing_key: 'a.#'}]", "[{exchange: '', routing_key: 'a.#'}]"),
        ("[{exchange: orders, routing_key: 'a.#'}]", "[orders]"),
        ("[{exchange: orders, routing_key: 'a.#'}]", "{exchange: orders}"),
        ("routing_key: k", "routing_key: 5"),
        ("routing_key: k", f"routing_key: {'k' * 256}"),
        ("routing_key: k", "key: k"),
        ("  jobs:", "  '':"),
        ("  jobs:", "  ..:"),
        ("  jobs:", '  "a\\nb":'),
        ("  jobs:", f"  {'q' * 256}:"),
        ("{type: quorum", "{type: lazy"),
        ("{type: quorum", "{type: classic"),
        ("{type: quorum", "{type: stream"),
        ("{type: quorum", "{type: quorum, exclusive: true"),
        ("{type: quorum", "{type: quorum, durable: false"),
        ("{type: quorum", "{type: quorum, auto_delete: true"),
        ("{x-queue-type: stream,", "{x-queue-type: quorum,"),
        ("{x-queue-type: stream, x-max-age: 7D}", "{x-queue-type: stream, x-max-age: 7D}, type: classic"),
        ("{x-queue-type: stream, x-max-age: 7D}", "{x-queue-type: stream}, durable: false"),
        ("x-max-age: 7D", "x-max-age: 7d"),
        ("x-delivery-limit: 3", "x-delivery-limit: '3'"),
        ("x-delivery-limit: 3", "x-max-priority: 3"),
        ("x-delivery-limit: 3", "x-dead-letter-routing-key: k"),
        ("x-delivery-limit: 3", "x-max-length: -1"),
        ("x-delivery-limit: 3", "x-delivery-limit: 9223372036854775808"),
        ("x-delivery-limit: 3", "x-single-active-consumer: 1"),
        ("[1, 1.5, true, {a: b}]", "[1, {a: null}]"),
        ("durable: false, arguments: {x-expires: 60000}", "durable: false, arguments: {x-delivery-limit: 5}"),
        ("durable: false, arguments: {x-expires: 60000}", "auto_delete: true, arguments: {x-max-age: 1D}"),
        ("{x-expires: 60000}", "{x-expires: 0}"),
        ("{x-expires: 60000}", "{x-expires: 315360000001}"),
        ("pattern: '^j', ", ""),
        ("{max-length: 5, ha-mode: all}", "{}"),
        ("{max-length: 5, ha-mode: all}", "null"),
        ("max-length: 5", "max-length: five"),
        ("apply_to: queues", "apply_to: queue"),
        ("priority: -2", "priority: high"),
        ("tag {worker_id}", "tag"),
        ("'w.{worker_id}': {", "'w': {"),
        ("'w.{worker_id}': {", "'{worker_id}.{worker_id}': {"),
        ("  consumer_tag: tag {worker_id}", "  tag: tag {worker_id}"),
        ("rule: AI030", "rule: '30'"),
        ("rule: AI030, ", ""),
        ("reason: publishers know it", "reason: ' '"),
        (", reason: publishers know it", ""),
        ("object: queue jobs", "object: [queue jobs]"),
        ("lint: {ignore: [", "lint: {suppress: ["),
        ("publish: {exchange: ''}", "publish: {}"),
        ("publish: {exchange: ''}", "publish:"),
        ("publish: {exchange: ''}", "publish: {exchange: '', headers: [a]}"),
        ("publish: {exchange: ''}", "publish: {exchange: '', key: a}"),
        ("publish: {exchange: ''}, ", ""),
        ("{exchange: ''}, reaches: []", "{exchange: ''}"),
        ("{exchange: ''}, reaches: []", "{exchange: ''}, reaches: plain"),
        ("{exchange: ''}, reaches: []", "{exchange: ''}, reaches: null"),
        ("{exchange: ''}, reaches: []", "{exchange: ''}, reaches: [5]"),
        ("headers: {n: 1, CC: [a]}", "headers: {n: null}"),
    ],
)
def test_neither_takes_what_is_wrong(right: str, wrong: str) -> None:
    assert right in GOOD
    text = GOOD.replace(right, wrong, 1)

    assert (parses(text), is_valid(text)) == (False, False)


@given(topologies(with_parameters=True))
@settings(deadline=None)
def test_what_parse_takes_the_schema_takes_too(topology: Topology) -> None:
    text = write(topology)
    with suppress(InvalidDocument):
        parse(text, source="x.yaml")
        VALIDATOR.validate(yaml.safe_load(text))
