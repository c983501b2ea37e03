"""The rules of lint with their reasons."""

from __future__ import annotations

from collections.abc import Iterator

from attune_infra.render.data import Data
from attune_infra.render.text import Line
from attune_infra.topology.lint.finding import Explanation, Rule


def lines(explanation: Explanation) -> Iterator[Line]:
    for number, rule in enumerate(explanation.rules):
        if number:
            yield Line("")
        yield from (Line(f"## {rule.code}: {rule.title}"), Line(""), Line(f"Severity: {rule.severity}."), Line(""))
        yield from (Line(line) for line in rule.reason.splitlines())


def data(explanation: Explanation) -> Data:
    return {"rules": [_rule_data(rule) for rule in explanation.rules]}


def _rule_data(rule: Rule) -> Data:
    return {"code": rule.code, "severity": str(rule.severity), "title": rule.title, "reason": rule.reason}
