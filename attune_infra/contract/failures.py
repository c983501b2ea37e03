"""A failure of a command."""

from __future__ import annotations

from typing import Annotated, NotRequired

from attune_infra.contract.objects import PlaceData, ProblemData
from attune_infra.contract.words import Url
from attune_infra.errors import ErrorCode


class FailureProblemData(ProblemData):
    """A problem of a document, with its file."""

    file: Annotated[str, "Document, as it was named on the command line."]


class FailureData(PlaceData):
    """The failure of a command; the place is that of the first problem of an invalid document."""

    code: Annotated[ErrorCode, "Kind of the failure; it never changes its meaning."]
    url: Annotated[Url, "Page that explains the code."]
    sentence: Annotated[str, "Failure, as a sentence; several lines if there are several problems."]
    hint: Annotated[str | None, "Remedy, as a sentence."]
    may_pass: Annotated[bool, "True if trying again later may help."]
    problems: NotRequired[Annotated[list[FailureProblemData], "All problems of an invalid document."]]
