"""Problems of a text that should hold a topology, each with its place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from attune_infra.errors import InvalidInput
from attune_infra.topology.model import Version


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

    def is_taken_by(self, version: Version) -> bool:
        """Return whether a release of RabbitMQ loads definitions that have this problem."""
        if self.taken_since is not None:
            return version >= self.taken_since
        return self.taken_before is not None and version < self.taken_before


class InvalidDocument(InvalidInput):
    """A topology document with at least one problem."""

    def __init__(self, source: str, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__(
            "\n".join(with_places(source, self.problems)),
            hint="nothing was changed; fix the document and try again",
        )


def with_places(source: str, problems: Iterable[Problem]) -> list[str]:
    """Return a sentence for each problem, its place first."""
    return [f"{source}:{found.line}:{found.column}: {found.what}" for found in problems]
