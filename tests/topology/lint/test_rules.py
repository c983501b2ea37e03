"""Every rule: what breaks it, what does not, and how it is chosen."""

from __future__ import annotations

import pytest

from attune_infra.errors import WrongUsage
from attune_infra.topology.document.parse import parse
from attune_infra.topology.facts.releases import Version
from attune_infra.topology.lint.finding import Rule
from attune_infra.topology.lint.linter import lint
from attune_infra.topology.lint.rules import RULES, choose_rules
from support.lint_examples import EXAMPLES, Example


def said(text: str, rule: Rule, example: Example, version: Version) -> list[str]:
    """Return what a rule says about a document; others are asked too, since a suppression may be theirs."""
    topology = parse(text, source="x.yaml")
    found = lint(topology, version=version, consumers=example.consumers).findings
    return [f"{finding.object}: {finding.what}" for finding in found if finding.rule == rule.code]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_finds_what_breaks_it_and_nothing_else(rule: Rule) -> None:
    example = EXAMPLES[rule.code]

    [sentence] = said(example.bad, rule, example, example.version)

    assert example.says in sentence
    assert said(example.good, rule, example, example.good_version) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_has_a_title_and_a_reason(rule: Rule) -> None:
    assert rule.title
    assert not rule.title.endswith(".")
    assert rule.reason.endswith(".")


def test_codes_are_unique_and_in_order() -> None:
    codes = [rule.code for rule in RULES]

    assert codes == sorted(set(codes))
    assert codes == list(EXAMPLES)


def test_rules_are_selected_and_ignored() -> None:
    assert [rule.code for rule in choose_rules(["AI002", "ai001"], [])] == ["AI001", "AI002"]
    assert [rule.code for rule in choose_rules(["AI001", "AI002"], ["AI002"])] == ["AI001"]
    assert len(choose_rules([], ["AI001"])) == len(RULES) - 1


def test_a_code_that_is_none_is_named() -> None:
    with pytest.raises(WrongUsage, match=r"there is no rule 'AI999'"):
        choose_rules([], ["AI999"])
