"""The declarations that the plugins of exchanges refuse; tests/broker/test_plugin_exchanges.py asks a broker."""

from __future__ import annotations

import pytest

from attune_infra.topology.facts.plugin_exchanges import binding_problem, exchange_problems, plugin_hint
from attune_infra.topology.model import Arguments, Binding, Exchange, Queue, Topology


@pytest.mark.parametrize(
    ("kind", "arguments", "part"),
    [
        ("x-delayed-message", {}, "type"),
        ("x-delayed-message", {"x-delayed-type": 5}, "type"),
        ("x-delayed-message", {"x-delayed-type": "x-delayed-message"}, "type"),
        ("x-consistent-hash", {"hash-header": 5}, "hash-header"),
        ("x-consistent-hash", {"hash-property": "priority"}, "hash-property"),
        ("x-consistent-hash", {"hash-header": "a", "hash-property": "message_id"}, "hash-property"),
        ("x-recent-history", {"x-recent-history-length": 0}, "x-recent-history-length"),
    ],
)
def test_an_exchange_that_its_plugin_refuses_has_a_problem(kind: str, arguments: Arguments, part: str) -> None:
    [(found, _)] = exchange_problems(Exchange(name="e", type=kind, arguments=arguments))

    assert found == part


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("x-delayed-message", {"x-delayed-type": "direct"}),
        ("x-consistent-hash", {"hash-property": "timestamp"}),
        ("x-recent-history", {"x-recent-history-length": 5}),
        ("direct", {"hash-header": 5}),
    ],
)
def test_an_exchange_that_its_plugin_takes_has_none(kind: str, arguments: Arguments) -> None:
    assert list(exchange_problems(Exchange(name="e", type=kind, arguments=arguments))) == []


@pytest.mark.parametrize(
    ("kind", "key", "is_refused"),
    [
        ("x-consistent-hash", "two", True),
        ("x-consistent-hash", "", True),
        ("x-consistent-hash", "0", True),
        ("x-consistent-hash", "-1", True),
        ("x-consistent-hash", "1.5", True),
        ("x-consistent-hash", " 1", True),
        ("x-consistent-hash", "+1", False),
        ("x-consistent-hash", "007", False),
        ("x-local-random", "a", True),
        ("x-local-random", "", False),
        ("x-random", "two", False),
    ],
)
def test_keys_of_plugins_are_judged(kind: str, key: str, is_refused: bool) -> None:
    binding = Binding(source="e", destination="q", routing_key=key)

    assert (binding_problem(binding, Exchange(name="e", type=kind), Topology()) is not None) == is_refused


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        ("x-local-random", "upgrade to RabbitMQ 4.0 or later, or use another type"),
        ("x-unheard-of", "enable its plugin, or use another type"),
        (
            "x-random",
            "enable its plugin with `rabbitmq-plugins enable rabbitmq_random_exchange`, or use another type",
        ),
    ],
)
def test_a_type_that_a_broker_lacks_has_a_remedy(kind: str, hint: str) -> None:
    assert plugin_hint(kind) == hint


@pytest.mark.parametrize(
    ("binding", "kind", "beginning"),
    [
        (Binding(source="e", destination="q"), "classic", None),
        (
            Binding(source="e", destination="q"),
            "quorum",
            "an x-local-random exchange can be bound to classic queues",
        ),
        (Binding(source="e", destination="q", routing_key="k"), "classic", "a binding from an x-local-random"),
        (
            Binding(source="e", destination="f", destination_type="exchange"),
            "classic",
            "an x-local-random exchange can be bound to queues only",
        ),
    ],
)
def test_a_local_random_exchange_takes_few_bindings(binding: Binding, kind: str, beginning: str | None) -> None:
    topology = Topology.of([Queue(name="q", type=kind)])

    found = binding_problem(binding, Exchange(name="e", type="x-local-random"), topology)

    assert found is None if beginning is None else found is not None and found[0].startswith(beginning)
