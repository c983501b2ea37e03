"""Problems of a text that should hold a topology, each with its place."""

from __future__ import annotations

from dataclasses import dataclass

from attune_infra.errors import InvalidInput


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A problem of a document and its place; lines and columns count from 1."""

    line: int
    column: int
    what: str


class InvalidDocument(InvalidInput):
    """A topology document with at least one problem."""

    def __init__(self, source: str, problems: list[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        lines = (f"{source}:{found.line}:{found.column}: {found.what}" for found in self.problems)
        super().__init__("\n".join(lines), hint="nothing was changed; fix the document and try again")
