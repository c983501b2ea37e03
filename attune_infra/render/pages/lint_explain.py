"""The rules of lint with their reasons and examples. `docs/lint.md` holds the same lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attune_infra.links import rule_url
from attune_infra.render.text import Line
from attune_infra.topology.lint.examples import Example
from attune_infra.topology.lint.finding import Explanation, Rule
from attune_infra.topology.words import counted

if TYPE_CHECKING:
    from attune_infra.contract.checks import RuleData, RulesData


def lines(explanation: Explanation) -> Iterator[Line]:
    for number, (rule, example) in enumerate(explanation.rules):
        if number:
            yield Line("")
        yield from (Line(f"## {rule.code}: {rule.title}"), Line(""), Line(f"Severity: {rule.severity}."), Line(""))
        yield from (Line(line) for line in rule.reason.splitlines())
        yield from _document_lines(f"Bad{_circumstances(example)}", example.bad)
        yield from _document_lines("Good", example.good)


def data(explanation: Explanation) -> RulesData:
    return {"rules": [_rule_data(rule, example) for rule, example in explanation.rules]}


def _document_lines(title: str, document: str) -> Iterator[Line]:
    """Yield a document as Markdown."""
    yield from (Line(""), Line(f"{title}:"), Line(""), Line("```yaml"))
    yield from (Line(line) for line in document.splitlines())
    yield Line("```")


def _circumstances(example: Example) -> str:
    if example.broker_version:
        return f", on RabbitMQ {example.broker_version}"
    if example.consumers:
        consumers = (f"{queue} has {counted(count, 'consumer')}" for queue, count in example.consumers.items())
        return f", if queue {' and queue '.join(consumers)}"
    return ""


def _rule_data(rule: Rule, example: Example) -> RuleData:
    return {
        "code": rule.code,
        "url": rule_url(rule.code, rule.title),
        "severity": rule.severity,
        "title": rule.title,
        "reason": rule.reason,
        "bad": example.bad,
        "good": example.good,
    }
