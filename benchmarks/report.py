"""Render results as text for a terminal and as Markdown for the documentation; nothing here prints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from benchmarks.results import Result, Run, Samples, Size

_MET = {True: "met", False: "MISSED", None: "unknown"}
_OURS = "attune-infra "
_MARKDOWN_TOP = (
    "# Measurements",
    "",
    "`make bench BENCH_OPTIONS='--markdown FILE...'` prints this page; do not edit it by hand. The",
    "[summary](../performance.md) compares the results; the [method](method.md) explains the names.",
    "",
)


def render_text(run: Run) -> str:
    """Return a table for each case, followed by the verdicts on its targets."""
    lines = [f"{key}: {value}" for key, value in (*run.machine.items(), *run.versions.items())]
    for result in run.results:
        lines += ["", f"{result.name}: {result.title}", *_align(_case_rows(result)), *_verdict_lines(result)]
    if run.growth:
        lines += ["", "growth: provisioning and comparing ever more workers", *_align(_growth_rows(run.growth))]
    return "\n".join(lines) + "\n"


def render_markdown(runs: Sequence[Run]) -> str:
    """Return docs/performance/tables.md: two tables for each case, with a column for each run's broker."""
    brokers = [f"RabbitMQ {run.versions['RabbitMQ']}" for run in runs]
    machines = ["; ".join(f"{key}: {value}" for key, value in run.machine.items()) for run in runs]
    lines = [
        *_MARKDOWN_TOP,
        *(f"- {broker}: {machine}" for broker, machine in zip(brokers, machines, strict=True)),
    ]
    lines += [
        "",
        *_markdown_table(
            [["", *brokers], *_version_rows({key: "" for run in runs for key in run.versions}, runs)]
        ),
    ]
    for name in dict.fromkeys(result.name for run in runs for result in run.results):
        results = [next((each for each in run.results if each.name == name), None) for run in runs]
        title = next(result.title for result in results if result)
        lines += ["", f"## {title[0].upper()}{title[1:]}", "", *_markdown_table(_median_rows(brokers, results))]
        lines += ["", *_markdown_table(_target_rows(brokers, results)), *_absence_items(brokers, results)]
    for broker, run in zip(brokers, runs, strict=True):
        if run.growth:
            lines += ["", f"## Growth on {broker}", "", *_markdown_table(_growth_rows(run.growth))]
    return "\n".join(lines) + "\n"


def _case_rows(result: Result) -> Iterator[list[str]]:
    ours = result.subjects
    yield ["", "turns", "median ms", "min..max", "MB", *(f"{_short(each)}/this" for each in ours)]
    for each in result.samples:
        low, high = each.spread
        ratios = ["" if each.subject else f"{our.milliseconds / each.milliseconds:.2f}" for our in ours]
        figures = [f"{len(each.seconds)}", _ms(each), f"{low:,.0f}..{high:,.0f}", f"{each.peak:,.0f}"]
        yield [f"  {each.name}", *figures, *ratios]


def _verdict_lines(result: Result) -> list[str]:
    verdicts = [f"  {_MET[each.met]:<8} {each.target}: {each.why}" for each in result.verdicts]
    return [*verdicts, *(f"  not measured: {name}: {reason}" for name, reason in result.absent.items())]


def _growth_rows(sizes: Sequence[Size]) -> Iterator[list[str]]:
    steps = ("provision", "diff")
    yield [
        "workers",
        *(f"{step} {what}" for step in steps for what in ("ms", "ms/worker", "ms/further worker", "MB")),
    ]
    for before, size in pairwise((None, *sizes)):
        assert size is not None
        line = [f"{size.workers:,}"]
        for now, then in ((size.provision, before and before.provision), (size.diff, before and before.diff)):
            further = ""
            if before and then:
                further = f"{(now.milliseconds - then.milliseconds) / (size.workers - before.workers):.3f}"
            line += [_ms(now), f"{now.milliseconds / size.workers:.3f}", further, f"{now.peak:,.0f}"]
        yield line


def _version_rows(keys: Iterable[str], runs: Sequence[Run]) -> Iterator[list[str]]:
    for key in keys:
        yield [key, *(run.versions.get(key, "–") for run in runs)]


def _median_rows(brokers: Sequence[str], results: Sequence[Result | None]) -> Iterator[list[str]]:
    yield ["median ms (min..max), peak MB", *brokers]
    names = dict.fromkeys(each.name for result in results if result for each in result.samples)
    for name in names:
        yield [name, *(_cell(name, result) for result in results)]


def _cell(name: str, result: Result | None) -> str:
    each = next((each for each in result.samples if each.name == name), None) if result else None
    if each is None:
        return "–"
    low, high = each.spread
    return f"{_ms(each)} ({low:,.0f}..{high:,.0f}), {each.peak:,.0f}"


def _target_rows(brokers: Sequence[str], results: Sequence[Result | None]) -> Iterator[list[str]]:
    """Yield a row for each target; brokers may have different ones."""
    yield ["target", *brokers]
    judged = [
        {str(each.target): f"{each.why}: {_MET[each.met]}" for each in result.verdicts} if result else {}
        for result in results
    ]
    for target in dict.fromkeys(target for of_broker in judged for target in of_broker):
        yield [target, *(of_broker.get(target, "–") for of_broker in judged)]


def _absence_items(brokers: Sequence[str], results: Sequence[Result | None]) -> Iterator[str]:
    """Yield a list of those not measured, with the reason and the brokers where it was so."""
    absent: dict[str, list[str]] = {}
    for broker, result in zip(brokers, results, strict=True):
        if result:
            for name, reason in result.absent.items():
                absent.setdefault(f"{name}: {reason}", []).append(broker)
    if absent:
        yield ""
    for what, where in absent.items():
        yield f"- not measured on {', '.join(where)}: {what}"


def _ms(samples: Samples) -> str:
    return f"{samples.milliseconds:,.0f}"


def _short(samples: Samples) -> str:
    return samples.name.removeprefix(_OURS)


def _markdown_table(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for number, row in enumerate(rows):
        yield f"| {' | '.join(row)} |"
        if number == 0:
            yield f"|---|{'---:|' * (len(row) - 1)}"


def _align(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for first, *rest in table:
        cells = [
            first.ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)),
        ]
        yield "  ".join(cells).rstrip()
