"""Shovels and federation in a graph."""

from __future__ import annotations

import pytest

from attune_infra.render.graph.data import graph_data
from attune_infra.render.graph.outline import outline
from attune_infra.topology.document.parse import parse
from attune_infra.topology.facts.uris import names_of
from attune_infra.topology.graph.build import graph
from attune_infra.topology.model import hide, shown

DOCUMENT = """\
topology: shop
exchanges: {orders: {type: topic}, other: {}}
queues: {paid: {bindings: [{exchange: orders, routing_key: a}]}}
federation_upstreams:
  north: {uri: {env: NORTH}}
  south: {uri: ['amqps://a.example.org/v', 'amqps://b.example.org']}
  west: {uri: 'amqp://w'}
federation_upstream_sets: {some: [{upstream: north}, {upstream: south}, {upstream: gone}]}
shovels:
  in: {src-uri: {command: [vault, read]}, src-queue: q, dest-uri: 'amqp:///shop', dest-exchange: orders}
  out: {src-uri: 'amqp:///shop', src-queue: paid, dest-uri: 'amqp://', dest-queue: paid}
  inside: {src-uri: 'amqp:///shop', src-queue: paid, dest-uri: 'amqp:///shop', dest-queue: gone}
policies:
  p: {pattern: ^orders$, apply_to: exchanges, definition: {federation-upstream-set: some}}
  q: {pattern: ^paid$, apply_to: queues, definition: {federation-upstream: west}}
"""


def test_a_virtual_host_of_a_document_is_known_by_its_own_name() -> None:
    shovel = "{src-uri: 'amqp:///v', src-queue: q, dest-uri: 'amqp:///shop', dest-queue: q}"
    text = f"topology: shop\nvirtual_hosts: {{v: {{queues: {{q: {{}}}}, shovels: {{s: {shovel}}}}}}}"

    drawn = graph(parse(text, source="it").virtual_hosts["v"])

    assert "  queue q (classic)\n      shovel => virtual host shop  with s\n" in outline(drawn)


def test_they_lead_from_and_to_other_brokers() -> None:
    drawn = graph(parse(DOCUMENT, source="it"))

    assert (
        outline(drawn)
        == """\
  exchange orders (topic)
      -> paid  with a
  exchange other (direct)
  queue paid (classic)
      shovel => gone  with inside
      shovel => virtual host /  with out
  broker command vault (broker)
      shovel => orders  with in
  missing gone (missing queue)
  broker virtual host / (broker)
  broker env NORTH (broker)
      federation => orders  with north
  broker a.example.org/v or b.example.org (broker)
      federation => orders  with south
  broker w (broker)
      federation => paid  with west
"""
    )
    kinds = {each["kind"] for each in graph_data(drawn)["edges"]}
    assert kinds == {"binding", "shovel", "federation"}


def test_the_set_of_all_upstreams_needs_no_declaration() -> None:
    text = DOCUMENT.replace("federation-upstream-set: some", "federation-upstream-set: all")

    found = graph_data(graph(parse(text, source="it")))["edges"]

    assert sum(each["kind"] == "federation" for each in found) == 4


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("amqp://u:s3cret@h:5671/v?x=y", "h:5671/v"),
        ("amqp://u:s3cret/x@h", "***"),
        ("amqp://", "virtual host /"),
        ("amqp:///a%2Fb", "virtual host a/b"),
    ],
)
def test_the_name_of_a_broker_has_no_password(uri: str, name: str) -> None:
    assert [*names_of(shown(hide(uri)))] == [name]
