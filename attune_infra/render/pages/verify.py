"""The results of all checks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Final

from attune_infra.links import code_url
from attune_infra.render.data import sort_data
from attune_infra.render.objects import difference_data, difference_lines, identify, place_data
from attune_infra.render.text import Level, Line, at_level
from attune_infra.render.words import MAX_WORKERS_SHOWN, ranges
from attune_infra.topology.document.problems import Problem
from attune_infra.topology.model import Route, TopologyObject
from attune_infra.topology.verify import Check, Consumer, Group, Named, Verdict, Verification
from attune_infra.topology.words import counted

if TYPE_CHECKING:
    from attune_infra.contract.checks import CheckData, SubjectData, VerificationData
    from attune_infra.render.reports.review import Review

_STYLES: Final = {
    Verdict.PASSED: "green",
    Verdict.WARNING: "yellow",
    Verdict.FAILED: "red",
    Verdict.UNKNOWN: "red",
}


def lines(verification: Verification) -> Iterator[Line]:
    groups = tuple(verification.groups())
    workers = set(chain.from_iterable(group.worker_ids for group in groups))
    if len(workers) > MAX_WORKERS_SHOWN:
        yield from _lines_of_many(groups)
    else:
        yield from chain.from_iterable(map(_check_lines, verification.checks))
    yield Line(_result(verification))


def _result(verification: Verification) -> str:
    """Return the numbers of checks, in words."""
    counts = verification.counts()
    words = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])
    return counted(counts.total(), "check") + (f": {words}" if words else "")


def data(verification: Verification) -> VerificationData:
    return {"checks": sort_data(_check_data(check, verification) for check in verification.checks)}


def review(verification: Verification) -> Review:
    from attune_infra.render.reports.verify import review_of

    return review_of(verification, verdict=_result(verification))


def _lines_of_many(groups: Iterable[Group]) -> Iterator[Line]:
    """Yield one line for a result that many workers share, and one for all checks that passed."""
    passed: list[Sequence[int]] = []
    alike: defaultdict[object, list[Group]] = defaultdict(list)
    for group in groups:
        check = group.check
        if check.worker_id is None or check.differences:
            alike[id(check)].append(group)
        elif check.verdict is Verdict.PASSED:
            passed.append(group.worker_ids)
        else:
            alike[check.verdict, _shared_name(check), check.detail].append(group)
    for together in alike.values():
        if sum(group.size for group in together) > MAX_WORKERS_SHOWN:
            yield _line_of_many(together)
        else:  # so few that each is a group of its own
            yield from chain.from_iterable(_check_lines(group.check) for group in together)
    if passed:
        words = f"{counted(sum(map(len, passed)), 'check')} of workers {ranges(set(chain.from_iterable(passed)))}"
        yield Line(f"{Verdict.PASSED:<7}  {words}", _STYLES[Verdict.PASSED], Level.DETAIL)


def _line_of_many(together: Sequence[Group]) -> Line:
    check, ids = together[0].check, ranges(chain.from_iterable(group.worker_ids for group in together))
    words = f"{_shared_name(check)}: {check.detail} (workers {ids})"
    return Line(f"{check.verdict:<7}  {words}", _STYLES[check.verdict], Level.PROBLEM)


def _shared_name(check: Check) -> str:
    """Return the name that a check has in common with those of other workers."""
    return check.template or check.name


def _check_lines(check: Check) -> Iterator[Line]:
    level = Level.DETAIL if check.verdict is Verdict.PASSED else Level.PROBLEM
    return at_level(level, _lines_of(check))


def _lines_of(check: Check) -> Iterator[Line]:
    detail = f": {check.detail}" if check.detail else ""
    yield Line(f"{check.verdict:<7}  {check.name}{detail}", _STYLES[check.verdict])
    yield from difference_lines(check.differences)
    if check.hint and check.verdict is not Verdict.PASSED:
        yield Line(f"         hint: {check.hint}")


def _check_data(check: Check, verification: Verification) -> CheckData:
    found: CheckData = {
        "code": check.code,
        "url": code_url(check.code),
        "title": check.name,
        "verdict": check.verdict,
        **difference_data(check.differences),
    }
    if check.detail:
        found["detail"] = check.detail
    if check.hint:
        found["hint"] = check.hint
    if check.worker_id is not None:
        found["worker_id"] = check.worker_id
    match check.about:
        case None:
            return found
        case Consumer() | Named() as about:
            return {**found, **subject_data(about)}
        case Problem() as fault:
            return {**found, **place_data(verification.origin.spot_of(fault))}
        case about:
            return {**found, **subject_data(about), **place_data(verification.origin.spot_of(about))}


def subject_data(about: TopologyObject | Route | Consumer | Named) -> SubjectData:
    """Return the keys that identify the subject of a check."""
    match about:
        case Route():
            message = about.publish
            return {
                "kind": "route",
                "source": message.exchange,
                "routing_key": message.routing_key,
                "headers": dict(message.headers),
            }
        case Consumer():
            return {"kind": "consumer", "name": about.tag, "queue": about.queue}
        case Named():
            return {"kind": about.kind, "name": about.name}
        case _:
            return {**identify(about)}
