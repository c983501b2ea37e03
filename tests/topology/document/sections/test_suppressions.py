"""Suppressions of a document: each names a rule and a reason."""

from __future__ import annotations

import pytest

from attune_infra.topology.document.parse import parse
from attune_infra.topology.document.problems import InvalidDocument
from attune_infra.topology.model import Suppression


def test_a_suppression_has_a_rule_a_reason_and_maybe_an_object() -> None:
    text = "lint: {ignore: [{rule: AI033, reason: watched}, {rule: AI010, reason: known, object: 'queue:a'}]}"

    assert parse(text, source="x").suppressions == (
        Suppression(rule="AI033", reason="watched"),
        Suppression(rule="AI010", reason="known", object="queue:a"),
    )


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("{rule: AI033}", "x:1:17: a suppression has no reason"),
        ("{reason: known}", "x:1:17: a suppression has no rule"),
        ("{rule: '33', reason: known}", "x:1:24: '33' is not the code of a rule; codes look like AI001"),
        ("{rule: AI033, reason: ' '}", "x:1:39: the reason is empty; say why lint should ignore the rule"),
        ("{rule: AI033, reason: known, objects: q}", "x:1:46: unknown key 'objects' in a suppression"),
    ],
)
def test_each_fault_has_its_place(entry: str, problem: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        parse(f"lint: {{ignore: [{entry}]}}", source="x")

    assert caught.value.sentence.startswith(problem)
    assert "\n" not in caught.value.sentence
