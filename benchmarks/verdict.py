"""The verdict on a run: its ratios beside those of the last run like it, and the targets that it missed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from benchmarks.results import Result, Run

NOTED: Final = 0.1
"""Ratios that differ by a smaller share count as the same; turns of one run differ by as much."""


def verdict_lines(run: Run, last: Run | None) -> Iterator[str]:
    """Yield a line for each ratio of a target, then the number of those over their target."""
    if last is None:
        yield "no earlier run on this machine with this RabbitMQ is kept"
    before = {} if last is None else {name: ratio for result in last.results for name, ratio in ratios(result)}
    for result in run.results:
        for name, ratio in ratios(result):
            yield f"  {ratio:.2f}x  {_beside(ratio, before.get(name)):<24} {name}"
    missed = over_target(run)
    yield f"{len(missed)} over target" if missed else "no ratio is over its target"
    yield from (f"  {each}" for each in missed)


def over_target(run: Run) -> list[str]:
    """Return the targets that were measured and missed, with the figures."""
    verdicts = (each for result in run.results for each in result.verdicts)
    return [f"{each.target}: {each.why}" for each in verdicts if each.met is False]


def ratios(result: Result) -> Iterator[tuple[str, float]]:
    """Yield, for each target of a case, its name and the medians that it compares, as a ratio."""
    measured = {each.name: each for each in result.samples}
    for target in result.targets:
        if all(name in measured for name in target.needs):
            yield f"{result.name}: {target}", target.ratio(measured)


def _beside(ratio: float, before: float | None) -> str:
    if before is None:
        return "(not measured before)"
    if abs(ratio - before) <= NOTED * before:
        return f"(as before: {before:.2f}x)"
    return f"({'SLOWER' if ratio > before else 'faster'}: {before:.2f}x before)"
