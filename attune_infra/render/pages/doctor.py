"""The diagnosis of `doctor`: each check, with the fix of a finding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attune_infra.render.data import Data, sort_data
from attune_infra.render.text import Line
from attune_infra.topology.doctor.diagnosis import Check, Diagnosis, Verdict
from attune_infra.topology.words import counted

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
        yield Line("no server answered, so almost nothing could be checked")


def data(diagnosis: Diagnosis) -> Data:
    return {
        "answered": diagnosis.answered,
        "checks": sort_data(_check_data(check) for check in diagnosis.checks),
        "command": diagnosis.command,
    }


def _count(verdict: Verdict, count: int) -> str:
    noun = _NOUNS.get(verdict)
    return counted(count, noun) if noun else f"{count} {verdict}"


def _check_lines(check: Check) -> Iterator[Line]:
    detail = f": {check.detail}" if check.detail else ""
    yield Line(f"{check.verdict:<7}  {check.section}: {check.name}{detail}", _STYLES[check.verdict])
    if check.fix:
        yield Line(f"         fix: {check.fix}")
    for line in check.run:
        yield Line(f"         run: {line}")


def _check_data(check: Check) -> Data:
    found: Data = {"section": str(check.section), "name": check.name, "verdict": str(check.verdict)}
    if check.detail:
        found["detail"] = check.detail
    if check.fix:
        found["fix"] = check.fix
    if check.run:
        found["run"] = list(check.run)
    return found
