"""The results of all checks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from attune_infra.render.data import Data, sort_data
from attune_infra.render.objects import difference_data, difference_lines
from attune_infra.render.text import Line
from attune_infra.render.words import MAX_WORKERS_SHOWN, ranges
from attune_infra.topology.verify import Check, Verdict, Verification
from attune_infra.topology.words import counted

_STYLES: Final = {
    Verdict.PASSED: "green",
    Verdict.WARNING: "yellow",
    Verdict.FAILED: "red",
    Verdict.UNKNOWN: "red",
}


def lines(verification: Verification) -> Iterator[Line]:
    workers = {check.worker_id for check in verification.checks} - {None}
    if len(workers) > MAX_WORKERS_SHOWN:
        yield from _lines_of_many(verification.checks)
    else:
        yield from chain.from_iterable(map(_check_lines, verification.checks))
    counts = verification.counts()
    words = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])
    yield Line(counted(len(verification.checks), "check") + (f": {words}" if words else ""))


def data(verification: Verification) -> Data:
    return {"checks": sort_data(_check_data(check) for check in verification.checks)}


def _lines_of_many(checks: Iterable[Check]) -> Iterator[Line]:
    """Yield one line for a result that many workers share, and one for all checks that passed."""
    passed: list[int] = []
    alike: defaultdict[object, list[Check]] = defaultdict(list)
    for check in checks:
        if check.worker_id is None or check.differences:
            alike[id(check)].append(check)
        elif check.verdict is Verdict.PASSED:
            passed.append(check.worker_id)
        else:
            alike[check.verdict, _shared_name(check), check.detail].append(check)
    for together in alike.values():
        if len(together) > MAX_WORKERS_SHOWN:
            yield _line_of_many(together)
        else:
            yield from chain.from_iterable(map(_check_lines, together))
    if passed:
        words = f"{counted(len(passed), 'check')} of workers {ranges(set(passed))}"
        yield Line(f"{Verdict.PASSED:<7}  {words}", _STYLES[Verdict.PASSED])


def _line_of_many(together: Sequence[Check]) -> Line:
    check, ids = together[0], ranges(each.worker_id for each in together if each.worker_id is not None)
    words = f"{_shared_name(check)}: {check.detail} (workers {ids})"
    return Line(f"{check.verdict:<7}  {words}", _STYLES[check.verdict])


def _shared_name(check: Check) -> str:
    """Return the name that a check has in common with those of other workers."""
    return check.template or check.name


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
