"""Summaries of findings: the ones that become one, and the words for all of them."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attune_infra.topology.lint.finding import Finding
from attune_infra.topology.lint.summary import MAX_SINGLE_FINDINGS, summarize
from attune_infra.topology.model import Queue, Severity

MANY = range(1, MAX_SINGLE_FINDINGS + 2)


def finding(item: str, what: str = "it grows", remedy: str = "limit it", rule: str = "AI033") -> Finding:
    return Finding(rule, Severity.INFO, Queue(name=item), item, what, remedy)


def sentences(findings: Iterable[Finding]) -> list[str]:
    return [f"{each.object}: {each.what}; {each.remedy}" for each in summarize(list(findings))]


@pytest.mark.parametrize(
    ("findings", "sentence"),
    [
        (
            [finding(f"queue worker.{n}.jobs", f"no queue for the key 'job.{n}'") for n in MANY],
            "each of 6 queues (worker.{n}.jobs): no queue for the key 'job.{n}'; limit it",
        ),
        (
            [finding(f"queue {name}", f"2 of '{name}'", f"rename '{name}'") for name in "abcdefg"],
            "each of 7 queues (a, b, c, d, e and 2 more): 2 of '...'; rename '...'",
        ),
        (
            [*(finding(f"policy v2.p{n}") for n in MANY), finding("policy q")],
            "each of 7 policies (v2.p{n}, q): it grows; limit it",
        ),
        (
            [finding(f"binding e -> q{n} with routing key k{n}") for n in MANY],
            "each of 6 bindings (e -> q{n} with routing key k{n}): it grows; limit it",
        ),
        ([finding("queue q", f"x-{n} is ignored") for n in MANY], "queue q: x-{n} is ignored; limit it"),
    ],
)
def test_many_findings_that_say_the_same_become_one(findings: list[Finding], sentence: str) -> None:
    assert sentences(findings) == [sentence]


@pytest.mark.parametrize(
    "findings",
    [
        [finding(f"queue q{n}") for n in MANY[1:]],
        [finding(f"queue q{n}", rule=f"AI00{n}") for n in MANY],
        [finding(f"queue q{n}", remedy=f"call it '{'x' * n}'") for n in MANY],
        [finding(f"{kind} a{n}") for n in MANY[:3] for kind in ("queue", "exchange")],
    ],
    ids=["a few", "other rules", "names of others", "other kinds"],
)
def test_findings_that_do_not_say_the_same_stay_apart(findings: list[Finding]) -> None:
    assert len(sentences(findings)) == len(findings)


def test_a_summary_stands_at_the_place_of_its_first_finding() -> None:
    others = [finding("queue a", rule="AI001"), finding("queue b", rule="AI001")]
    same = [finding(f"queue q{n}") for n in MANY]

    found = list(summarize([others[0], same[0], others[1], *same[1:]]))

    assert [each.findings[0] for each in found] == [others[0], same[0], others[1]]
    assert found[1].findings == same


@given(st.lists(st.builds(finding, st.text(), st.text("'a1 "), st.text("'a1 ")), max_size=30))
def test_no_finding_is_left_out(findings: list[Finding]) -> None:
    found = list(summarize(findings))

    kept = [each for summary in found for each in summary.findings]
    assert sorted(kept, key=repr) == sorted(findings, key=repr)
    assert all(f"{each.object}{each.what}{each.remedy}" is not None for each in found)
