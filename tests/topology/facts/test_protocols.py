"""The protocol that an object has to be created over."""

from __future__ import annotations

import pytest

from attune_infra.topology.facts.protocols import holds_integer, needs_amqp, needs_http
from attune_infra.topology.model import Binding, Exchange, Policy, Queue

POLICY = Policy(name="p", pattern="", definition={"max-length": 1})


def binding(**arguments: object) -> Binding:
    return Binding(source="e", destination="q", arguments=arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, True),
        (True, False),
        (1.5, False),
        ("1", False),
        (None, False),
        ([True, [1]], True),
        ({"a": {"b": 1}}, True),
    ],
)
def test_an_integer_is_found_at_any_depth(value: object, expected: bool) -> None:
    assert holds_integer(value) is expected


@pytest.mark.parametrize(
    ("item", "over_amqp", "over_http"),
    [
        (POLICY, False, True),
        (binding(n=1), False, True),
        (binding(n=None), True, False),
        (binding(n=None, m=1), True, False),
        (binding(n="x"), False, False),
        (Queue(name="q", arguments={"x-max-length": 1}), False, False),
        (Exchange(name="e"), False, False),
    ],
)
def test_each_object_has_its_protocol(
    item: Binding | Policy | Queue | Exchange, over_amqp: bool, over_http: bool
) -> None:
    assert (needs_amqp(item), needs_http(item)) == (over_amqp, over_http)
