"""The diagnosis of `doctor`: each check, with the fix of a finding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from attune_infra.links import code_url
from attune_infra.render.data import sort_data
from attune_infra.render.text import Level, Line, at_level
from attune_infra.topology.doctor.diagnosis import Check, Diagnosis, Verdict
from attune_infra.topology.words import counted

if TYPE_CHECKING:
    from attune_infra.contract.checks import DiagnosisCheckData, DiagnosisData

_STYLES: Final = {
    Verdict.OK: "green",
    Verdict.WARNING: "yellow",
    Verdict.PROBLEM: "red",
    Verdict.UNKNOWN: "yellow",
}
_NOUNS: Final = {Verdict.WARNING: "warning", Verdict.PROBLEM: "problem"}


def lines(diagnosis: Diagnosis) -> Iterator[Line]:
    for check in diagnosis.checks:
        yield from _check_lines(check)
    counts = diagnosis.counts()
    words = ", ".join(_count(verdict, counts[verdict]) for verdict in Verdict if counts[verdict])
    yield Line(f"{counted(len(diagnosis.checks), 'check')}: {words}")
    if not diagnosis.answered:
        yield Line("no server answered, so almost nothing could be checked", level=Level.PROBLEM)


def data(diagnosis: Diagnosis) -> DiagnosisData:
    return {
        "answered": diagnosis.answered,
        "checks": sort_data(_check_data(check) for check in diagnosis.checks),
        "command": diagnosis.command,
    }


def _count(verdict: Verdict, count: int) -> str:
    noun = _NOUNS.get(verdict)
    return counted(count, noun) if noun else f"{count} {verdict}"


def _check_lines(check: Check) -> Iterator[Line]:
    return at_level(Level.DETAIL if check.verdict is Verdict.OK else Level.PROBLEM, _lines_of(check))


def _lines_of(check: Check) -> Iterator[Line]:
    detail = f": {check.detail}" if check.detail else ""
    yield Line(f"{check.verdict:<7}  {check.section}: {check.name}{detail}", _STYLES[check.verdict])
    if check.fix:
        yield Line(f"         fix: {check.fix}")
    for line in check.run:
        yield Line(f"         run: {line}")


def _check_data(check: Check) -> DiagnosisCheckData:
    found: DiagnosisCheckData = {
        "code": check.topic,
        "url": code_url(check.topic),
        "section": check.section,
        "name": check.name,
        "verdict": check.verdict,
    }
    if check.detail:
        found["detail"] = check.detail
    if check.fix:
        found["fix"] = check.fix
    if check.run:
        found["run"] = list(check.run)
    return found
