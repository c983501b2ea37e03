"""The neutral value behind the formats of CI: remarks about objects, checks or documents, each with its place.

A page makes it from the result of its command; the formats know nothing of results. The page keeps what a person
reads on a terminal, so nothing in here is for that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from attune_infra.dataclass import dataclass
from attune_infra.errors import ErrorCode
from attune_infra.links import code_url
from attune_infra.render.words import visible

if TYPE_CHECKING:
    from attune_infra.topology.document.origin import Spot


class Grade(StrEnum):
    """The weight of a remark, the worst first."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    PASSED = "passed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One object, check or document, and its problem, if it has one.

    `fails` says that the exit code counts it. An `unknown` one could not be examined. `loss` tells in words what a
    change can lose. `file` is the file that it is about, for a remark whose `spot` is not known.
    """

    code: str
    name: str
    grade: Grade = Grade.PASSED
    what: str = ""
    hint: str = ""
    details: tuple[str, ...] = ()
    loss: str = ""
    fails: bool = False
    unknown: bool = False
    spot: Spot | None = None
    file: str | None = None

    @property
    def is_problem(self) -> bool:
        return self.grade is not Grade.PASSED

    @property
    def sentence(self) -> str:
        """The name and the problem, as one sentence."""
        return f"{self.name}: {self.what}" if self.what else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """The explanation of a code; that of a rule of lint has a reason and examples, the reason as Markdown."""

    code: str
    title: str
    url: str
    grade: Grade = Grade.ERROR
    reason: str = ""
    bad: str = ""
    good: str = ""


def document_guide() -> Guide:
    """Return the explanation of an invalid document."""
    code = ErrorCode.INVALID_DOCUMENT
    return Guide(code=code, title="A document is not valid", url=code_url(code))


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """All remarks of a command, and its result in one sentence.

    `loss` sums up in words what the changes can lose. `target` is the sentence that says which broker was asked,
    empty if none was. `is_failure` says that the command ended with an error, which the remarks are then about.
    """

    remarks: tuple[Remark, ...]
    verdict: str
    loss: str = ""
    guides: Mapping[str, Guide] = field(default_factory=dict)
    command: str = ""
    target: str = ""
    exit_code: int = 0
    is_failure: bool = False

    @property
    def problems(self) -> tuple[Remark, ...]:
        """The remarks that are problems, the worst first, otherwise in their order."""
        grades = [*Grade]
        found = (remark for remark in self.remarks if remark.is_problem)
        return tuple(sorted(found, key=lambda remark: grades.index(remark.grade)))

    def counts(self) -> Counter[Grade]:
        return Counter(remark.grade for remark in self.remarks)

    def with_files(self, rename: Callable[[str], str]) -> Review:
        """Return the same review with other names for its files."""

        def renamed(remark: Remark) -> Remark:
            spot = remark.spot and remark.spot._replace(file=rename(remark.spot.file))
            file = remark.file and rename(remark.file)
            return replace(remark, spot=spot, file=file)

        return replace(self, remarks=tuple(map(renamed, self.remarks)))

    def cleaned(self) -> Review:
        """Return the same review without control characters: names come from documents and brokers."""
        remarks = tuple(map(_cleaned, self.remarks))
        return replace(self, remarks=remarks, verdict=visible(self.verdict), target=visible(self.target))


def _cleaned(remark: Remark) -> Remark:
    return replace(
        remark,
        name=visible(remark.name),
        what=visible(remark.what),
        hint=visible(remark.hint),
        details=tuple(map(visible, remark.details)),
        loss=visible(remark.loss),
    )
