"""The examples of the rules: lint finds the flaw in the bad one, and not in the good one."""

from __future__ import annotations

from pathlib import Path

import pytest

from attune_infra.topology.document.parse import parse
from attune_infra.topology.facts.releases import NEWEST, version_of
from attune_infra.topology.lint import examples
from attune_infra.topology.lint.examples import Example, load_example
from attune_infra.topology.lint.finding import Finding, Rule
from attune_infra.topology.lint.linter import lint
from attune_infra.topology.lint.rules import RULES
from attune_infra.topology.model import Severity

WIDTH = 80
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)


def findings(document: str, example: Example) -> tuple[Finding, ...]:
    version = version_of(example.broker_version) if example.broker_version else NEWEST
    return lint(parse(document, source="x.yaml"), version=version, consumers=example.consumers).findings


def test_each_rule_has_an_example() -> None:
    files = Path(examples.__file__).parent.glob("*.yaml")

    assert sorted(file.stem for file in files) == [rule.code for rule in RULES]


@each_rule
def test_the_bad_example_breaks_its_rule_and_no_other(rule: Rule) -> None:
    example = load_example(rule.code)

    found = findings(example.bad, example)

    assert sorted(finding.rule for finding in found) == sorted([rule.code, *example.also])
    [finding] = [each for each in found if each.rule == rule.code]
    assert f"{finding.object}: {finding.what}".startswith(example.finding)


@each_rule
def test_the_good_example_keeps_its_rule_and_has_nothing_worse_than_info(rule: Rule) -> None:
    example = load_example(rule.code)

    found = findings(example.good, example)

    assert rule.code not in {finding.rule for finding in found}
    assert {finding.severity for finding in found} <= {Severity.INFO}


@each_rule
def test_an_example_fits_a_terminal(rule: Rule) -> None:
    example = load_example(rule.code)

    assert max(map(len, f"{example.bad}{example.good}".splitlines())) <= WIDTH
