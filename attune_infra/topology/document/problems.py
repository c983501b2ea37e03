"""Problems of a text that should hold a topology, each with its place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.errors import ErrorCode, InvalidInput
from attune_infra.masking import masked
from attune_infra.topology.model import Version
from attune_infra.topology.words import counted

MAX_SHOWN: Final = 50
"""Problems that are put into words; all of them are in JSON."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A problem of a document and its place; lines and columns count from 1.

    Some releases load definitions that have the problem: those from `taken_since` on, or those before
    `taken_before`. If both are None, none loads them.
    """

    line: int
    column: int
    what: str
    taken_since: Version | None = field(default=None, compare=False)
    taken_before: Version | None = field(default=None, compare=False)
    code: str = field(default=ErrorCode.INVALID_DOCUMENT, compare=False)
    """The kind of the problem, stable: that of the failure, or of the check that found it."""
    source: str = ""
    """The document that has it; empty for the only one."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "what", masked(self.what))

    def is_taken_by(self, version: Version) -> bool:
        """Return whether a release of RabbitMQ loads definitions that have this problem."""
        is_new = self.taken_since is not None and version >= self.taken_since
        return is_new or (self.taken_before is not None and version < self.taken_before)


class InvalidDocument(InvalidInput):
    """A topology document with at least one problem."""

    code = ErrorCode.INVALID_DOCUMENT

    def __init__(self, source: str, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems), key=lambda found: (found.source, found)))
        self.source = (self.problems[0].source if self.problems else "") or source
        super().__init__(
            "\n".join(with_places(source, self.problems)),
            hint="nothing was changed; fix the document and try again",
        )


def with_places(source: str, problems: Sequence[Problem]) -> list[str]:
    """Return a sentence for each problem, its place first; for very many, the first ones and how many more."""
    sentences = [
        f"{found.source or source}:{found.line}:{found.column}: {found.what}" for found in problems[:MAX_SHOWN]
    ]
    more = len(problems) - len(sentences)
    return [*sentences, f"{source}: {counted(more, 'more problem')}"] if more else sentences
