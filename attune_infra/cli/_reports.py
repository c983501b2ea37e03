"""Results for CI: `--output github|sarif|junit|markdown`, and files of `--report FORMAT=FILE` beside the output.

A command that fails writes them too, so that nobody mistakes a missing or an empty report for a good one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from attune_infra.cli._display import CiOutput, Report
from attune_infra.cli._output import finish, put, tell
from attune_infra.errors import InvalidInput, WrongUsage
from attune_infra.masking import masked

if TYPE_CHECKING:
    from attune_infra.cli._display import Display
    from attune_infra.render.page import R, ReviewedPage
    from attune_infra.render.reports.review import Review
    from attune_infra.topology.target import Target


def read_reports(words: Iterable[str], to: Path | None) -> tuple[Report, ...]:
    """Return the reports of `--report`; raise `WrongUsage` if one is no FORMAT=FILE, or two share a file."""
    found: list[Report] = []
    files = {to}
    for word in words:
        name, _, file = word.partition("=")
        if name not in CiOutput.of_reports() or not file:
            choices = "|".join(CiOutput.of_reports())
            raise WrongUsage(f"--report {word} is no report", hint=f"write {choices}=FILE: junit=report.xml")
        if (path := Path(file)) in files:
            raise WrongUsage(f"two results go to the file {file}", hint="give each a file of its own")
        files.add(path)
        found.append(Report(CiOutput(name), path))
    return tuple(found)


def finish_reviewed(
    command: str, page: ReviewedPage[R], result: R, display: Display, target: Target | None = None
) -> NoReturn:
    """Write the reports, show the result, and exit with its exit code."""
    if not display.is_for_ci:
        finish(command, page, result, display, target)
    review = replace(page.review(result), command=command.replace("-", " "), target=_target_line(target))
    _write(review, display)
    if display.output in CiOutput.of_reports():
        put(_text(review, display.output), display)
        raise typer.Exit(result.exit_code)
    finish(command, page, result, display, target)


@contextmanager
def failures_reported(command: str, display: Display) -> Iterator[None]:
    """Let an error of the command through, and write it to the reports first."""
    try:
        yield
    except (typer.Exit, BrokenPipeError):
        raise
    except BaseException as error:
        if display.is_for_ci:
            _report_failure(error, command, display)
        raise


def _report_failure(error: BaseException, command: str, display: Display) -> None:
    from attune_infra.render.reports.failure import review_of

    review = replace(review_of(error), command=command)
    for report in display.reports:
        try:
            _write(review, replace(display, reports=(report,)))
        except InvalidInput as trouble:
            tell(f"warning: {trouble.sentence}")
    if display.output in CiOutput.of_reports():
        put(_text(review, display.output), replace(display, verbosity=-1))


def _write(review: Review, display: Display) -> None:
    from attune_infra.cli._files import write_whole

    for report in display.reports:
        write_whole(report.file, f"{_text(review, report.format)}\n")
        if display.verbosity >= 0:
            tell(f"{report.file}: written")


def _text(review: Review, wanted: str) -> str:
    from attune_infra.render.reports.formats import Format, render

    return render(review.with_files(_name_from(_roots())), Format(wanted))


def _roots() -> tuple[str, ...]:
    """Return the folders that CI knows paths from: the checked out repository, then the current folder."""
    workspace = os.environ.get("GITHUB_WORKSPACE")
    return tuple(map(str, (*([Path(workspace)] if workspace else []), Path.cwd())))


def _name_from(roots: tuple[str, ...]) -> Callable[[str], str]:
    """Return a function that names a file as seen from the first of these folders that holds it."""
    known: dict[str, str] = {}

    def name(file: str) -> str:
        if file not in known:
            path = Path(os.path.abspath(file))  # noqa: PTH100 # a link keeps its name
            found = (path.relative_to(root) for root in roots if path.is_relative_to(root))
            known[file] = next(found, path).as_posix()
        return known[file]

    return name


def _target_line(target: Target | None) -> str:
    if target is None:
        return ""
    from attune_infra.render.words import target_line

    return masked(target_line(target))
