"""What all checks found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attune_infra.render.line import Line
from attune_infra.render.objects import difference_data, difference_lines
from attune_infra.render.plain import Data, in_order
from attune_infra.render.words import FEW_WORKERS, counted, ranges
from attune_infra.topology.verify import Check, Verdict, Verification

_STYLES: Final = {
    Verdict.PASSED: "green",
    Verdict.WARNING: "yellow",
    Verdict.FAILED: "red",
    Verdict.UNKNOWN: "red",
}


def lines(verification: Verification) -> Iterator[Line]:
    many = len({check.worker_id for check in verification.checks} - {None}) > FEW_WORKERS
    together = []
    for check in verification.checks:
        if many and check.worker_id is not None and check.verdict is Verdict.PASSED:
            together.append(check.worker_id)
        else:
            yield from _check_lines(check)
    if together:
        words = f"{counted(len(together), 'check')} of workers {ranges(set(together))}"
        yield Line(f"{Verdict.PASSED:<7}  {words}", _STYLES[Verdict.PASSED])
    counts = verification.counts()
    words = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])
    yield Line(counted(len(verification.checks), "check") + (f": {words}" if words else ""))


def data(verification: Verification) -> Data:
    return {"checks": in_order(_check_data(check) for check in verification.checks)}


def _check_lines(check: Check) -> Iterator[Line]:
    detail = f": {check.detail}" if check.detail else ""
    yield Line(f"{check.verdict:<7}  {check.name}{detail}", _STYLES[check.verdict])
    yield from difference_lines(check.differences)
    if check.hint and check.verdict is not Verdict.PASSED:
        yield Line(f"         hint: {check.hint}")


def _check_data(check: Check) -> Data:
    found: Data = {"name": check.name, "verdict": str(check.verdict)}
    if check.detail:
        found["detail"] = check.detail
    if check.hint:
        found["hint"] = check.hint
    if check.worker_id is not None:
        found["worker_id"] = check.worker_id
    return found | difference_data(check.differences)
