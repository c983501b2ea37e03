"""The table of policy keys, against a real broker."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from attune_infra.broker.http.management import Management
from attune_infra.topology.facts.arguments import QUEUE_TYPES
from attune_infra.topology.facts.policies import (
    UNSUPPORTED,
    Unsupported,
    merge_with_argument,
    merge_with_operator,
    unsupported_keys,
)
from support.policy_cases import KINDS, definitions, put_policy, queues_with_policies
from support.under_test import BrokerUnderTest
from support.virtual_host import VirtualHost

Applied = Mapping[tuple[str, str, str], bool]
"""True for a policy in effect, by its kind, its key and the type of the queue."""

FALLBACK = "fallback"


def ask(management: Management, vhost: str, release: tuple[int, int]) -> Applied:
    """Set a policy with each key, and look at a queue of each type. One more policy has a lower priority."""
    policies = []
    for kind in KINDS:
        put_policy(management, vhost, kind, FALLBACK, {"max-length-bytes": 1000}, pattern="^.", priority=-1)
        for key, definition in definitions(release):
            if put_policy(management, vhost, kind, key, definition, pattern=rf"^{kind} {key} "):
                policies.append((kind, key))
    for kind, key in policies:
        for queue_type in QUEUE_TYPES:
            body = {"durable": True, "arguments": {"x-queue-type": queue_type}}
            management.put("queues", vhost, f"{kind} {key} {queue_type}", body=body)
    queues = queues_with_policies(management, vhost, attribute="policy")
    found = {}
    for kind, key in policies:
        for queue_type in QUEUE_TYPES:
            name = queues[f"{kind} {key} {queue_type}"][KINDS[kind]]
            assert name in {key, FALLBACK}
            found[kind, key, queue_type] = name == key
    return found


def disagreements(applied: Applied, unsupported: Callable[[str], frozenset[str]]) -> list[tuple[str, str]]:
    """Return the keys and types about which the table is wrong, for policies of either kind."""
    wrong = {
        (key, queue_type)
        for (_, key, queue_type), is_applied in applied.items()
        if is_applied == (key in unsupported(queue_type))
    }
    return sorted(wrong)


@pytest.mark.lengthy
def test_the_broker_passes_a_policy_over_for_the_keys_of_the_table(
    management: Management, vhost: VirtualHost, under_test: BrokerUnderTest
) -> None:
    applied = ask(management, vhost.name, under_test.release)

    def table(queue_type: str) -> frozenset[str]:
        return unsupported_keys(queue_type, under_test.release)

    assert len(applied) > 80
    # a mirroring key needs ha-mode, which keeps the policy off by itself
    asked = {(key, queue_type) for _, key, queue_type in applied if not key.startswith("ha-") or key == "ha-mode"}
    assert disagreements(applied, table) == []
    for key, queue_type in asked:

        def mutated(other: str, key: str = key, queue_type: str = queue_type) -> frozenset[str]:
            return table(other) ^ {key} if other == queue_type else table(other)

        assert disagreements(applied, mutated) == [(key, queue_type)]


def test_every_row_of_the_table_holds_for_some_release() -> None:
    for row in UNSUPPORTED:
        assert row.until is None or row.since < row.until
        assert row.queue_type in QUEUE_TYPES


@pytest.mark.parametrize(
    ("name", "queue_type", "version", "expected"),
    [
        ("x-delivery-limit", "quorum", (3, 10), 3),
        ("x-delivery-limit", "quorum", (4, 3), 3),
        ("x-max-length", "classic", (3, 10), 3),
        ("x-max-length", "stream", (4, 3), 9),
        ("x-own", "classic", (4, 3), 3),
    ],
)
def test_the_smaller_limit_counts_but_on_streams(
    name: str, queue_type: str, version: tuple[int, int], expected: int
) -> None:
    assert merge_with_argument(name, 3, 9, queue_type=queue_type, version=version) == expected


def test_a_negative_delivery_limit_is_the_smaller_number_until_it_means_none() -> None:
    merged = [
        merge_with_argument("x-delivery-limit", 5, -1, queue_type="quorum", version=version)
        for version in ((3, 10), (4, 0))
    ]

    assert merged == [-1, 5]


def test_a_row_holds_for_its_type_and_its_releases() -> None:
    row = Unsupported(queue_type="quorum", keys=("max-age",), since=(3, 10), until=(4, 1))

    assert [row.holds("quorum", version) for version in ((3, 9), (3, 10), (4, 0), (4, 1))] == [
        False,
        True,
        True,
        False,
    ]
    assert not row.holds("classic", (4, 0))


@pytest.mark.parametrize(
    ("key", "value", "by_operator", "expected"),
    [
        ("max-length", 3, 9, 3),
        ("max-length", 9, 3, 3),
        ("target-group-size", 3, 9, 9),
        ("target-group-size", 9, 3, 9),
        ("target-group-size", "3", 9, "3"),
        ("queue-leader-locator", "balanced", "client-local", "client-local"),
    ],
)
def test_a_policy_and_an_operator_policy_are_merged_by_key(
    key: str, value: object, by_operator: object, expected: object
) -> None:
    assert merge_with_operator(key, value, by_operator) == expected  # type: ignore[arg-type] # arguments
