"""What lint found, as compilers say it, and its rules with their reasons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, assert_never

from attune_infra.render.data import Data
from attune_infra.render.text import Line
from attune_infra.topology.lint.finding import Explanation, Finding, Linted, Rule
from attune_infra.topology.model import Severity
from attune_infra.topology.words import counted

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
            return {"rules": [_rule_data(rule) for rule in shown.rules]}
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
    for number, rule in enumerate(explanation.rules):
        if number:
            yield Line("")
        yield from (Line(f"## {rule.code}: {rule.title}"), Line(""), Line(f"Severity: {rule.severity}."), Line(""))
        yield from (Line(line) for line in rule.reason.splitlines())


def _rule_data(rule: Rule) -> Data:
    return {"code": rule.code, "severity": str(rule.severity), "title": rule.title, "reason": rule.reason}
