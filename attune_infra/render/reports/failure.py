"""Error -> data for JSON, and -> review, so that a command that failed leaves no empty report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from attune_infra.errors import AttuneError, ErrorCode, ExitCode
from attune_infra.links import code_url
from attune_infra.render.objects import problem_data
from attune_infra.render.reports.review import Grade, Guide, Remark, Review, document_guide
from attune_infra.topology.document.origin import Origin
from attune_infra.topology.document.problems import InvalidDocument

if TYPE_CHECKING:
    from attune_infra.contract.failures import FailureData, FailureProblemData

_VERDICT: Final = "the command failed"


def failure_data(error: AttuneError) -> FailureData:
    """Return an error with its code, and for an invalid document the place of each problem."""
    found: FailureData = {
        "code": error.code,
        "url": code_url(error.code),
        "sentence": error.sentence,
        "hint": error.hint,
        "may_pass": error.may_pass,
    }
    if not isinstance(error, InvalidDocument):
        return found
    problems: list[FailureProblemData] = [
        {**problem_data(each), "file": each.source or error.source} for each in error.problems
    ]
    first = error.problems[0]
    return {**found, "file": error.source, "line": first.line, "column": first.column, "problems": problems}


def review_of(error: BaseException) -> Review:
    """Return a review that says why a command failed."""
    found = tuple(_of_document(error) if isinstance(error, InvalidDocument) else [_of_command(error)])
    return Review(
        remarks=found,
        verdict=_VERDICT,
        guides={remark.code: _guide(remark.code) for remark in found},
        exit_code=int(_exit_code_of(error)),
        is_failure=True,
    )


def _guide(code: str) -> Guide:
    if code == ErrorCode.INVALID_DOCUMENT:
        return document_guide()
    return Guide(code=code, title="The command failed", url=code_url(code))


def _exit_code_of(error: BaseException) -> ExitCode:
    if isinstance(error, AttuneError):
        return error.exit_code
    return ExitCode.FAILED if isinstance(error, Exception) else ExitCode.INTERRUPTED


def _of_document(error: InvalidDocument) -> Iterator[Remark]:
    origin = Origin(error.source)
    for problem in error.problems:
        yield Remark(
            code=problem.code,
            name=f"document {error.source}",
            grade=Grade.ERROR,
            what=problem.what,
            fails=True,
            unknown=True,
            spot=origin.spot_of(problem),
        )


def _of_command(error: BaseException) -> Remark:
    code, sentence, hint = _explain(error)
    first, *more = sentence.splitlines() or [""]
    details, hint = tuple(more), " ".join((hint or "").splitlines())
    return Remark(
        code=code,
        name=_VERDICT,
        grade=Grade.ERROR,
        what=first,
        details=details,
        hint=hint,
        fails=True,
        unknown=True,
    )


def _explain(error: BaseException) -> tuple[str, str, str | None]:
    """Return the code, the sentence and the hint of an error."""
    match error:
        case AttuneError():
            return error.code, error.sentence, error.hint
        case Exception():
            return "unexpected-error", f"unexpected {type(error).__name__}", "its traceback is on standard error"
        case _:
            return ErrorCode.INTERRUPTED, "interrupted", None
