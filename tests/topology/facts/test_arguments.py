"""The table of arguments, in itself and against a real broker."""

from __future__ import annotations

import json

import pytest
import yaml

from attune_infra.broker.management import Management
from attune_infra.topology.diff import COMPARED_EXCHANGE_ARGUMENTS, COMPARED_QUEUE_ARGUMENTS
from attune_infra.topology.document.parse import parse
from attune_infra.topology.document.problems import InvalidDocument
from attune_infra.topology.facts.arguments import (
    EXCHANGE_ARGUMENTS,
    HEADERS_BINDING_ARGUMENTS,
    POLICY_RULES,
    QUEUE_ARGUMENTS,
    Rule,
    misspelt,
    policy_problem,
)
from attune_infra.topology.policy import PROVIDED_BY_POLICY
from attune_infra.topology.words import describe, shown
from support.argument_cases import bad, good, queue_cases, taken
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
    """What is refused here the broker refuses too, and what is taken here it takes."""

    def broker_accepts(number: int, arguments: dict[str, object]) -> bool:
        body = {"durable": True, "auto_delete": False, "arguments": json.loads(json.dumps(arguments))}
        return taken(lambda: management.put("queues", vhost.name, f"q{number}", body=body))

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
    assert QUEUE_ARGUMENTS.keys() >= COMPARED_QUEUE_ARGUMENTS
    assert EXCHANGE_ARGUMENTS.keys() >= COMPARED_EXCHANGE_ARGUMENTS
    by_policy = {rule.name: key for key, rule in POLICY_RULES.items()}
    assert {name: by_policy[name] for name in PROVIDED_BY_POLICY} == PROVIDED_BY_POLICY


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("x-mesage-ttl", "x-message-ttl"),
        ("x-max-lenght", "x-max-length"),
        ("x-deadletter-exchange", "x-dead-letter-exchange"),
        ("x-dead-letter-routing-keys", "x-dead-letter-routing-key"),
        ("x-queue-typ", "x-queue-type"),
        ("x-expire", "x-expires"),
    ],
)
def test_a_slip_is_told_from_a_name_of_ones_own(name: str, meant: str) -> None:
    assert misspelt(name, QUEUE_ARGUMENTS) == f"unknown argument '{name}'; did you mean '{meant}'?"


@pytest.mark.parametrize(
    "name",
    ["x-priority", "x-queue-name", "x-cache-ttl", "x-message-deduplication", "message-ttl", "x-", "x-my-ttl"],
)
def test_a_name_of_ones_own_is_no_slip(name: str) -> None:
    assert misspelt(name, QUEUE_ARGUMENTS) is None


def test_headers_that_look_like_x_match_are_headers() -> None:
    assert misspelt("x-batch", HEADERS_BINDING_ARGUMENTS) is None
    assert misspelt("x-mach", HEADERS_BINDING_ARGUMENTS)


def test_a_policy_sets_what_a_policy_can_set() -> None:
    assert policy_problem("message-ttl", 5) is None
    assert policy_problem("ha-mode", "all") is None
    assert policy_problem("queue-type", "quorum") == (
        "a policy cannot set queue-type; it is an argument of the queue, x-queue-type"
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "null"),
        (True, "true (boolean)"),
        (1, "1 (integer)"),
        (1.0, "1.0 (number)"),
        ("a" * 41, f"'{'a' * 40}...' (string)"),
        ([1], "an array"),
        ({"a": 1}, "an object"),
    ],
)
def test_a_value_is_shown_with_its_type(value: object, words: str) -> None:
    assert shown(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "null"),
        (True, "the boolean true"),
        (1, "the integer 1"),
        (1.0, "the number 1.0"),
        ("a" * 41, f"the string '{'a' * 40}...'"),
        ([1], "an array"),
        ({"a": 1}, "an object"),
    ],
)
def test_a_value_is_described_after_its_type(value: object, words: str) -> None:
    assert describe(value) == words
