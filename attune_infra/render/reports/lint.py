"""The findings of lint -> review, with the rules that they are of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from attune_infra.links import rule_url
from attune_infra.render.reports.review import Grade, Guide, Remark, Review, document_guide
from attune_infra.topology.document.origin import Origin
from attune_infra.topology.document.problems import Problem
from attune_infra.topology.lint.examples import load_example
from attune_infra.topology.lint.finding import Finding, Linted, LintedTexts
from attune_infra.topology.lint.rules import RULES
from attune_infra.topology.model import Severity

_GRADES: Final = {Severity.ERROR: Grade.ERROR, Severity.WARNING: Grade.WARNING, Severity.INFO: Grade.NOTE}


def review_of(linted: LintedTexts, *, verdict: str) -> Review:
    remarks = tuple(remark for text in linted.texts for remark in _remarks(text))
    guides = {guide.code: guide for guide in _guides({remark.code for remark in remarks})}
    return Review(remarks=remarks, verdict=verdict, guides=guides, exit_code=linted.exit_code)


def _remarks(linted: Linted) -> Iterator[Remark]:
    """Yield a remark for each problem and finding of a document, one that it passed if there is none."""
    if not (linted.problems or linted.findings):
        yield Remark(code="lint", name=linted.source or "the broker", file=linted.file)
    for problem in linted.problems:
        yield _of_problem(problem, linted)
    for finding in linted.findings:
        yield _of_finding(finding, linted)


def _of_problem(problem: Problem, linted: Linted) -> Remark:
    severity = linted.severity_of(problem)
    return Remark(
        code=problem.code,
        name=f"document {linted.source}",
        grade=_GRADES[severity],
        what=problem.what,
        fails=severity.is_at_least(linted.fail_on),
        spot=Origin(linted.file).spot_of(problem),
        file=linted.file,
    )


def _of_finding(finding: Finding, linted: Linted) -> Remark:
    return Remark(
        code=finding.rule,
        name=finding.object,
        grade=_GRADES[finding.severity],
        what=finding.what,
        hint=finding.remedy,
        fails=finding.severity.is_at_least(linted.fail_on),
        spot=Origin(linted.file).at(*finding.place) if finding.place else None,
        file=linted.file,
    )


def _guides(codes: Iterable[str]) -> Iterator[Guide]:
    """Yield the explanations of the rules of these codes."""
    yield document_guide()
    wanted = frozenset(codes)
    for rule in (rule for rule in RULES if rule.code in wanted):
        example = load_example(rule.code)
        yield Guide(
            code=rule.code,
            title=rule.title,
            url=rule_url(rule.code, rule.title),
            grade=_GRADES[rule.severity],
            reason=rule.reason,
            bad=example.bad,
            good=example.good,
        )
