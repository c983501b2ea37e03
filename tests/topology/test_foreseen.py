"""Refusals that are certain before the first change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attune_infra.errors import RequestRefused
from attune_infra.topology.diff import diff
from attune_infra.topology.document.parse import parse
from attune_infra.topology.model import Topology
from attune_infra.topology.plan import check_possible

WANT = parse(
    """
exchanges: {shard: {type: x-consistent-hash}, plain: {}}
queues:
  a: {bindings: [{exchange: shard, routing_key: two}, {exchange: plain, routing_key: two}]}
""",
    source="x.yaml",
)


def have(*types: str) -> Topology:
    return Topology(exchange_types=frozenset(types))


def test_a_type_and_a_binding_are_named_together() -> None:
    broker = have("direct")

    with pytest.raises(RequestRefused) as caught:
        check_possible(diff(broker, WANT), broker, WANT)

    assert caught.value.sentence.splitlines() == [
        "RabbitMQ would refuse 2 objects, so nothing is changed:",
        "exchange shard: the broker has no exchange type x-consistent-hash",
        (
            "binding shard -> a with routing key two: the routing key of a binding from an"
            " x-consistent-hash exchange is a weight, not 'two'"
        ),
    ]


def test_nothing_is_refused_where_the_types_are_unknown_and_nothing_is_to_be_made() -> None:
    check_possible(diff(Topology(), Topology.of(WANT.exchanges.values())), Topology(), WANT)
    there = replace(WANT, exchange_types=frozenset({"direct"}))
    check_possible(diff(there, WANT), there, WANT)
