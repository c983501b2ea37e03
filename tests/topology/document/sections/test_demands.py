"""Demands of a document on the broker, and selectors of objects."""

from __future__ import annotations

import pytest

from attune_infra.topology.document.parse import parse
from attune_infra.topology.document.problems import InvalidDocument
from attune_infra.topology.document.selectors import first_selecting, selects
from attune_infra.topology.document.write import write
from attune_infra.topology.model import Binding, Exchange, Policy, Queue, TopologyObject
from attune_infra.topology.target import Demands

QUEUE, EXCHANGE, POLICY = Queue(name="jobs.in"), Exchange(name="jobs.in"), Policy(name="jobs.in", pattern="")
BINDING = Binding(source="events", destination="jobs.in")


def test_demands_are_read_and_written() -> None:
    text = "expect_cluster: rabbit@production\nprotect: ['queue:jobs.*', audit]\nqueues: {jobs: {}}\n"

    topology = parse(text, source="d.yaml")

    assert topology.demands == Demands("rabbit@production", ("queue:jobs.*", "audit"))
    assert parse(write(topology), source="again.yaml") == topology


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("protect: ['queue:']", "d.yaml:1:11: the selector has no name behind 'queue:'"),
        ("protect: ['']", "d.yaml:1:11: the selector is empty"),
        ("expect_cluster: [a]", "d.yaml:1:17: expected a string"),
    ],
)
def test_what_is_wrong_with_them_is_named(text: str, sentence: str) -> None:
    with pytest.raises(InvalidDocument) as error:
        parse(text, source="d.yaml")

    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ("jobs.in", {QUEUE, EXCHANGE, POLICY, BINDING}),
        ("*:jobs.in", {QUEUE, EXCHANGE, POLICY, BINDING}),
        ("queue:jobs.in", {QUEUE}),
        ("exchange:jobs.*", {EXCHANGE}),
        ("binding:*in", {BINDING}),
        ("policy:jobs?in", {POLICY}),
        ("queue:jobs[.]in", {QUEUE}),
        ("queue:jobs", set()),
        ("queue:JOBS.IN", set()),
        ("queue:jobsxin", set()),
        ("*", {QUEUE, EXCHANGE, POLICY, BINDING}),
    ],
)
def test_a_selector_names_objects(selector: str, selected: set[TopologyObject]) -> None:
    assert {item for item in (QUEUE, EXCHANGE, POLICY, BINDING) if selects(selector, item)} == selected


def test_a_name_with_a_colon_or_a_bracket_is_a_name() -> None:
    odd, bracket = Queue(name="a:b"), Queue(name="q[1]")

    assert selects("a:b", odd)
    assert selects("queue:a:b", odd)
    assert selects("queue:q[1]", bracket)
    assert first_selecting(["x", "queue:a:*"], odd) == "queue:a:*"
