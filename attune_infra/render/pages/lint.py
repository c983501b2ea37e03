"""Findings of lint as compilers print them, and its rules with their reasons and examples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, assert_never

from attune_infra.render.data import Data
from attune_infra.render.text import Line
from attune_infra.topology.lint.finding import Explanation, Finding, Linted, Rule
from attune_infra.topology.lint.severity import Severity
from attune_infra.topology.words import counted

if TYPE_CHECKING:
    from attune_infra.topology.lint.examples import Example

_STYLES: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: ""}


def lines(shown: Linted | Explanation) -> Iterator[Line]:
    match shown:
        case Linted():
            return _linted_lines(shown)
        case Explanation():
            return _rule_lines(shown)
        case _:
            assert_never(shown)


def data(shown: Linted | Explanation) -> Data:
    match shown:
        case Linted():
            return {
                "source": shown.source,
                "broker_version": ".".join(map(str, shown.version)),
                "findings": [_finding_data(each) for each in shown.findings],
                "suppressed": [{**_finding_data(each), "reason": reason} for each, reason in shown.suppressed],
            }
        case Explanation():
            return {"rules": [_rule_data(rule, example) for rule, example in shown.rules]}
        case _:
            assert_never(shown)


def _linted_lines(linted: Linted) -> Iterator[Line]:
    for finding in linted.findings:
        yield Line(_told(finding, linted.source), _STYLES[finding.severity])
        yield Line(f"      {finding.remedy}")
    found, release = linted.counts(), f"RabbitMQ {linted.version[0]}.{linted.version[1]}"
    words = [_number(found[severity], severity) for severity in Severity if found[severity]]
    words += [f"{len(linted.suppressed)} suppressed"] if linted.suppressed else []
    yield Line(f"findings for {release}: {', '.join(words) or 'none'}")


def _number(count: int, severity: Severity) -> str:
    return f"{count} {severity}" if severity is Severity.INFO else counted(count, severity)


def _told(finding: Finding, source: str) -> str:
    """Return a finding as compilers say it, with the place in front if there is one, so that editors find it."""
    place = f"{source}:{finding.place.line}:{finding.place.column}: " if finding.place else f"{source}: "
    told = f"{finding.severity} {finding.rule} {finding.object}: {finding.what}"
    return f"{place}{told}" if source else told


def _finding_data(finding: Finding) -> Data:
    place = {"line": finding.place.line, "column": finding.place.column} if finding.place else {}
    return {
        "rule": finding.rule,
        "severity": str(finding.severity),
        "object": finding.object,
        "what": finding.what,
        "remedy": finding.remedy,
        **place,
    }


def _rule_lines(explanation: Explanation) -> Iterator[Line]:
    for number, (rule, example) in enumerate(explanation.rules):
        if number:
            yield Line("")
        yield from (Line(f"## {rule.code}: {rule.title}"), Line(""), Line(f"Severity: {rule.severity}."), Line(""))
        yield from (Line(line) for line in rule.reason.splitlines())
        yield from _document_lines(f"Bad{_circumstances(example)}", example.bad)
        yield from _document_lines("Good", example.good)


def _document_lines(title: str, document: str) -> Iterator[Line]:
    """Yield a document as Markdown shows it: `docs/lint.md` holds these lines."""
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


def _rule_data(rule: Rule, example: Example) -> Data:
    return {
        "code": rule.code,
        "severity": str(rule.severity),
        "title": rule.title,
        "reason": rule.reason,
        "bad": example.bad,
        "good": example.good,
    }
