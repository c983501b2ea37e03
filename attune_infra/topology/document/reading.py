"""The topology that was read from a text, and the problems of the text that leave it readable."""

from __future__ import annotations

from dataclasses import field

from attune_infra.dataclass import dataclass
from attune_infra.topology.document.places import Places
from attune_infra.topology.document.problems import InvalidDocument, Problem, with_places
from attune_infra.topology.document.text import LeftOut
from attune_infra.topology.facts.compatibility import RELEASES
from attune_infra.topology.model import Topology, Version


@dataclass(frozen=True, slots=True)
class Reading:
    """A topology, the things left out of it, the places of its objects, and the problems of its definitions."""

    source: str
    topology: Topology
    left_out: tuple[LeftOut, ...] = ()
    places: Places = field(default_factory=Places)
    problems: tuple[Problem, ...] = ()
    vhost: str | None = None
    """The virtual host that definitions were read of; None if they name none, and for a document."""

    def refuse_problems(self, version: Version | None = None) -> None:
        """Raise `InvalidDocument` with every problem that this release refuses; without one, that all refuse."""
        if refused := self.refused_by(*(RELEASES if version is None else (version,))):
            raise InvalidDocument(self.source, refused)

    def refused_by(self, *releases: Version) -> list[Problem]:
        """Return the problems for which each of these releases refuses the definitions."""
        return [found for found in self.problems if not any(map(found.is_taken_by, releases))]

    def refuse_doubtful(self) -> None:
        """Raise `InvalidDocument` with every problem that some release of RabbitMQ refuses."""
        refused = [found for found in self.problems if not all(map(found.is_taken_by, RELEASES))]
        if refused:
            raise InvalidDocument(self.source, refused)

    def warnings(self) -> list[str]:
        """Return a sentence for each problem, its place first."""
        return with_places(self.source, self.problems)
