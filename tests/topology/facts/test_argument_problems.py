"""Problems with arguments: slips are found, names of one's own are left alone."""

from __future__ import annotations

import pytest

from attune_infra.topology.facts.argument_problems import mirroring_problem, policy_problem, spelling_problem
from attune_infra.topology.facts.arguments import HEADERS_BINDING_ARGUMENTS, QUEUE_ARGUMENTS
from attune_infra.topology.model import Argument


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
    assert spelling_problem(name, QUEUE_ARGUMENTS) == f"unknown argument '{name}'; did you mean '{meant}'?"


@pytest.mark.parametrize(
    "name",
    ["x-priority", "x-queue-name", "x-cache-ttl", "x-message-deduplication", "message-ttl", "x-", "x-my-ttl"],
)
def test_a_name_of_ones_own_is_no_slip(name: str) -> None:
    assert spelling_problem(name, QUEUE_ARGUMENTS) is None


def test_headers_that_look_like_x_match_are_headers() -> None:
    assert spelling_problem("x-batch", HEADERS_BINDING_ARGUMENTS) is None
    assert spelling_problem("x-mach", HEADERS_BINDING_ARGUMENTS)


def test_a_policy_sets_what_a_policy_can_set() -> None:
    assert policy_problem("message-ttl", 5) is None
    assert policy_problem("ha-mode", "all") is None
    assert policy_problem("queue-type", "quorum") == (
        "a policy cannot set queue-type; only the queue can, by the argument x-queue-type"
    )


@pytest.mark.parametrize(
    ("definition", "problem"),
    [
        ({"ha-mode": "all"}, None),
        ({"ha-mode": "exactly", "ha-params": 2}, None),
        ({"ha-mode": "exactly"}, "ha-params expects an integer beside ha-mode 'exactly', got nothing"),
        (
            {"ha-mode": "nodes", "ha-params": 2},
            "ha-params expects a list of nodes beside ha-mode 'nodes', got the integer 2",
        ),
    ],
)
def test_mirroring_needs_a_number_or_nodes(definition: dict[str, Argument], problem: str | None) -> None:
    assert mirroring_problem(definition) == problem
