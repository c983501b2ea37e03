"""The findings of lint, in the format of compilers; many that say the same become one line in text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from attune_infra.render.objects import identify, problem_data, span_data
from attune_infra.render.text import Level, Line, at_level
from attune_infra.topology.document.places import Claim, Thing
from attune_infra.topology.document.problems import Problem
from attune_infra.topology.lint.finding import Finding, Linted, LintedTexts
from attune_infra.topology.lint.rules import url_of
from attune_infra.topology.lint.summary import Summary, summarize
from attune_infra.topology.model import Severity, Suppression
from attune_infra.topology.words import counted

if TYPE_CHECKING:
    from attune_infra.contract.checks import FindingData, LintData, LintProblemData, SubjectData
    from attune_infra.render.reports.review import Review

_STYLES: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: ""}


def lines(linted: LintedTexts) -> Iterator[Line]:
    is_summarized = False
    for text in linted.texts:
        summaries = list(summarize(text.findings))
        is_summarized |= len(summaries) < len(text.findings)
        yield from at_level(Level.PROBLEM, _lines_of_text(text, summaries))
    more = "; --output json lists each" if is_summarized else ""
    yield Line(f"{_result(linted)}{more}")


def _result(linted: LintedTexts) -> str:
    """Return the numbers of findings, in words."""
    found, release = linted.counts(), ".".join(map(str, linted.version))
    words = [_number(found[severity], severity) for severity in Severity if found[severity]]
    if suppressed := sum(len(text.suppressed) for text in linted.texts):
        words.append(f"{suppressed} suppressed")
    of = f" in {len(linted.texts)} documents" if len(linted.texts) > 1 else ""
    return f"findings for RabbitMQ {release}{of}: {', '.join(words) or 'none'}"


def _lines_of_text(text: Linted, summaries: Iterable[Summary]) -> Iterator[Line]:
    for problem in text.problems:
        severity = text.severity_of(problem)
        place = f"{problem.source or text.source}:{problem.line}:{problem.column}"
        yield Line(f"{place}: {severity} {problem.what}", _STYLES[severity])
    for summary in summaries:
        yield Line(_headline(summary, text.source), _STYLES[summary.findings[0].severity])
        yield Line(f"      {summary.remedy}")


def data(linted: LintedTexts) -> LintData:
    texts = linted.texts
    return {
        "sources": [text.source for text in texts],
        "broker_version": ".".join(map(str, linted.version)),
        "findings": [_finding_data(each, text) for text in texts for each in text.findings],
        "problems": [_problem_data(each, text) for text in texts for each in text.problems],
        "suppressed": [
            {**_finding_data(each, text), "reason": reason} for text in texts for each, reason in text.suppressed
        ],
    }


def _problem_data(problem: Problem, linted: Linted) -> LintProblemData:
    found: LintProblemData = {
        "document": problem.source or linted.source,
        "severity": linted.severity_of(problem),
        **problem_data(problem),
    }
    if (file := linted.file_of(problem.source)) is not None:
        found["file"] = file
    return found


def _number(count: int, severity: Severity) -> str:
    return f"{count} {severity}" if severity is Severity.INFO else counted(count, severity)


def _headline(summary: Summary, source: str) -> str:
    """Return findings in the format of compilers, the first place first, so that editors can jump to it."""
    first = summary.findings[0]
    document = (first.place.source if first.place else "") or source
    place = f"{document}:{first.place.line}:{first.place.column}: " if first.place else f"{source}: "
    headline = f"{first.severity} {first.rule} {summary.object}: {summary.what}"
    return f"{place}{headline}" if source else headline


def subject_data(item: Thing) -> SubjectData:
    """Return the keys that identify the object of a finding."""
    match item:
        case Suppression():
            return {"kind": "suppression", "name": item.rule}
        case Claim():
            return {"kind": "pattern", "name": item.name}
        case _:
            return {**identify(item)}


def _finding_data(finding: Finding, linted: Linted) -> FindingData:
    source = finding.place.source if finding.place else ""
    found: FindingData = {
        "code": finding.rule,
        "url": url_of(finding.rule),
        **subject_data(finding.item),
        "title": finding.object,
        "severity": finding.severity,
        "what": finding.what,
        "remedy": finding.remedy,
        "document": source or linted.source,
    }
    if (file := linted.file_of(source)) is not None:
        found["file"] = file
    if finding.place:
        found.update(span_data(finding.place))
    return found


def review(linted: LintedTexts) -> Review:
    from attune_infra.render.reports.lint import review_of

    return review_of(linted, verdict=_result(linted))
