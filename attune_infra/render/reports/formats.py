"""The formats of CI by their names. A format is loaded when it is asked for."""

from __future__ import annotations

from enum import StrEnum
from typing import assert_never

from attune_infra.render.reports.review import Review


class Format(StrEnum):
    """A format that a machine of CI reads."""

    GITHUB = "github"
    SARIF = "sarif"
    JUNIT = "junit"
    MARKDOWN = "markdown"


def render(review: Review, wanted: Format) -> str:
    """Return the text of a review in a format, without an end of line behind it."""
    review = review.cleaned()
    match wanted:
        case Format.GITHUB:
            from attune_infra.render.reports import github

            return github.text(review)
        case Format.SARIF:
            from attune_infra.render.reports import sarif

            return sarif.text(review)
        case Format.JUNIT:
            from attune_infra.render.reports import junit

            return junit.text(review)
        case Format.MARKDOWN:
            from attune_infra.render.reports import markdown

            return markdown.text(review)
        case _:
            assert_never(wanted)
