"""The findings of lint, in the format of compilers; many that say the same become one line in text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attune_infra.render.data import Data
from attune_infra.render.text import Line
from attune_infra.topology.document.problems import Problem
from attune_infra.topology.lint.finding import Finding, Linted
from attune_infra.topology.lint.summary import Summary, summarize
from attune_infra.topology.model import Severity
from attune_infra.topology.words import counted

_STYLES: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: ""}


def lines(linted: Linted) -> Iterator[Line]:
    for problem in linted.problems:
        severity = linted.severity_of(problem)
        place = f"{linted.source}:{problem.line}:{problem.column}"
        yield Line(f"{place}: {severity} {problem.what}", _STYLES[severity])
    summaries = list(summarize(linted.findings))
    for summary in summaries:
        yield Line(_headline(summary, linted.source), _STYLES[summary.findings[0].severity])
        yield Line(f"      {summary.remedy}")
    found, release = linted.counts(), f"RabbitMQ {linted.version[0]}.{linted.version[1]}"
    words = [_number(found[severity], severity) for severity in Severity if found[severity]]
    if linted.suppressed:
        words.append(f"{len(linted.suppressed)} suppressed")
    more = "; --output json lists each" if len(summaries) < len(linted.findings) else ""
    yield Line(f"findings for {release}: {', '.join(words) or 'none'}{more}")


def data(linted: Linted) -> Data:
    return {
        "source": linted.source,
        "broker_version": ".".join(map(str, linted.version)),
        "findings": [_finding_data(each) for each in linted.findings],
        "problems": [_problem_data(each, linted) for each in linted.problems],
        "suppressed": [{**_finding_data(each), "reason": reason} for each, reason in linted.suppressed],
    }


def _problem_data(problem: Problem, linted: Linted) -> Data:
    return {
        "severity": str(linted.severity_of(problem)),
        "what": problem.what,
        "line": problem.line,
        "column": problem.column,
    }


def _number(count: int, severity: Severity) -> str:
    return f"{count} {severity}" if severity is Severity.INFO else counted(count, severity)


def _headline(summary: Summary, source: str) -> str:
    """Return findings in the format of compilers, the first place first, so that editors can jump to it."""
    first = summary.findings[0]
    place = f"{source}:{first.place.line}:{first.place.column}: " if first.place else f"{source}: "
    headline = f"{first.severity} {first.rule} {summary.object}: {summary.what}"
    return f"{place}{headline}" if source else headline


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
