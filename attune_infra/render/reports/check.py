"""Checked documents -> review."""

from __future__ import annotations

from collections.abc import Iterator

from attune_infra.errors import ErrorCode
from attune_infra.links import code_url
from attune_infra.render.reports.review import Grade, Guide, Remark, Review, document_guide
from attune_infra.topology.check import BROKEN_ROUTE, CheckedText, CheckedTexts
from attune_infra.topology.document.origin import Origin
from attune_infra.topology.words import counted


def review_of(checked: CheckedTexts) -> Review:
    remarks = tuple(remark for text in checked.texts for remark in _remarks(text))
    invalid = sum(text.topology is None for text in checked.texts)
    verdict = f"{counted(len(checked.texts), 'document')}: {invalid or 'none'} invalid"
    guides = {guide.code: guide for guide in _guides()}
    return Review(remarks=remarks, verdict=verdict, guides=guides, exit_code=checked.exit_code)


def _guides() -> Iterator[Guide]:
    yield document_guide()
    yield Guide(code=BROKEN_ROUTE, title="A message does not reach exactly its queues", url=code_url(BROKEN_ROUTE))
    code = ErrorCode.INVALID_INPUT
    yield Guide(code=code, title="A file cannot be read", url=code_url(code))


def _remarks(checked: CheckedText) -> Iterator[Remark]:
    """Yield a remark for each problem of a document, one that it passed if there is none."""
    name, file = f"document {checked.source}", checked.file
    if checked.failure is not None:
        yield Remark(
            code=ErrorCode.INVALID_INPUT,
            name=name,
            grade=Grade.ERROR,
            what=checked.failure,
            hint=checked.hint or "",
            fails=True,
            unknown=True,
            file=file,
        )
    elif not checked.problems:
        yield Remark(code=ErrorCode.INVALID_DOCUMENT, name=name, file=file)
    for problem in checked.problems:
        spot = Origin(file).spot_of(problem)
        yield Remark(
            code=problem.code, name=name, grade=Grade.ERROR, what=problem.what, fails=True, spot=spot, file=file
        )
