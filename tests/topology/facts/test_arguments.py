"""The table of arguments, in itself and against a real broker."""

from __future__ import annotations

import json

import pytest
import yaml

from attune_infra.broker.http.management import Management
from attune_infra.topology.document.parse import parse
from attune_infra.topology.document.problems import InvalidDocument
from attune_infra.topology.facts.arguments import (
    EXCHANGE_ARGUMENTS,
    HEADERS_BINDING_ARGUMENTS,
    QUEUE_ARGUMENTS,
    Rule,
)
from attune_infra.topology.facts.redeclaration import QUEUE_ROWS, exchange_treatments
from attune_infra.topology.facts.releases import NEWEST
from support.argument_cases import bad, good, is_accepted, queue_cases
from support.virtual_host import VirtualHost

EVERY_TABLE = (QUEUE_ARGUMENTS, EXCHANGE_ARGUMENTS, HEADERS_BINDING_ARGUMENTS)

DEPENDS_ON_THE_VERSION = {
    "x-consumer-disconnected-timeout",
    "x-consumer-timeout",
    "x-delayed-retry-max",
    "x-delayed-retry-min",
    "x-delayed-retry-type",
    "x-delivery-limit",  # any value is taken, but one that is no integer is never reached
    "x-queue-leader-locator",
    "x-queue-master-locator",
    "x-queue-mode",
    "x-queue-version",
    "x-quorum-target-group-size",
    "x-stream-filter-size-bytes",
}
"""Arguments that some versions do not know, or do not look at."""


def rules() -> list[Rule]:
    return [rule for table in EVERY_TABLE for rule in table.values()]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.name)
def test_a_rule_takes_what_it_says_and_names_what_it_does_not_take(rule: Rule) -> None:
    assert [value for value in good(rule) if rule.problem(value)] == []
    assert [value for value in bad(rule) if not rule.problem(value)] == []
    assert rule.problem(None) == f"expects {rule.demand}, got null"
    assert rule.about.endswith(".")


def accepts(arguments: dict[str, object]) -> bool:
    try:
        parse(yaml.safe_dump({"queues": {"q": {"arguments": arguments}}}), source="x.yaml")
    except InvalidDocument:
        return False
    return True


def test_the_broker_agrees(management: Management, vhost: VirtualHost) -> None:
    """The broker refuses the values that the table refuses, and accepts those that it accepts."""

    def broker_accepts(number: int, arguments: dict[str, object]) -> bool:
        body = {"durable": True, "auto_delete": False, "arguments": json.loads(json.dumps(arguments))}
        return is_accepted(lambda: management.put("queues", vhost.name, f"q{number}", body=body))

    judged = [(name, arguments) for name, arguments in queue_cases() if name not in DEPENDS_ON_THE_VERSION]
    disagreed = [
        arguments
        for number, (_, arguments) in enumerate(judged)
        if accepts(arguments) != broker_accepts(number, arguments)
    ]

    assert len(judged) > 300
    assert disagreed == []


def test_what_two_versions_see_differently_is_taken_where_one_takes_it() -> None:
    for name in DEPENDS_ON_THE_VERSION:
        rule = QUEUE_ARGUMENTS[name]
        for queue_type in rule.queue_types:
            assert accepts({"x-queue-type": queue_type, name: good(rule)[0]})


def test_the_other_tables_know_no_other_names() -> None:
    assert QUEUE_ARGUMENTS.keys() >= {name for row in QUEUE_ROWS for name in row.names}
    assert EXCHANGE_ARGUMENTS.keys() == exchange_treatments("direct", NEWEST).keys()
