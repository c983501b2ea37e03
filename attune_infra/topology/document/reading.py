"""The topology that was read from a text, and the problems of the text that leave it readable."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import field, replace

from attune_infra.dataclass import dataclass
from attune_infra.errors import InvalidInput
from attune_infra.topology.document.places import Places
from attune_infra.topology.document.problems import InvalidDocument, Problem, with_places
from attune_infra.topology.document.text import LeftOut
from attune_infra.topology.facts.compatibility import RELEASES
from attune_infra.topology.model import Topology, Version
from attune_infra.topology.words import guess


@dataclass(frozen=True, slots=True)
class Reading:
    """A topology, the things left out of it, the places of its objects, and the problems of its definitions."""

    source: str
    topology: Topology
    left_out: tuple[LeftOut, ...] = ()
    places: Places = field(default_factory=Places)
    problems: tuple[Problem, ...] = ()
    vhost: str | None = None
    """The virtual host that it is about; None if the text names none."""

    def within(self, name: str) -> Reading:
        """Return what was read of one of the virtual hosts of a document; raise `InvalidInput` for another."""
        if (topology := self.topology.virtual_hosts.get(name)) is not None:
            return replace(self, topology=topology, places=self.places.within(name), vhost=name)
        known = tuple(self.topology.virtual_hosts)
        raise InvalidInput(
            f"{self.source} has no virtual host '{name}'{guess(name, known)}",
            hint=f"it has {', '.join(known)}; --vhost chooses one of them, or --amqp-url names it",
        )

    def own_of_several(self, name: str) -> str:
        """Return the name if it is that of a virtual host of the document; raise `InvalidInput` otherwise."""
        known = self.topology.virtual_hosts
        if name not in known:
            raise InvalidInput(
                f"{self.source} holds several virtual hosts: {', '.join(map(repr, known))}",
                hint="choose one with --vhost NAME",
            )
        return name

    def parts(self, names: Collection[str] = ()) -> Iterator[Reading]:
        """Yield what was read of each virtual host of a document, or of those that are named."""
        if not self.topology.virtual_hosts:
            yield self
            return
        for name in dict.fromkeys(names or self.topology.virtual_hosts):
            yield self.within(name)

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
