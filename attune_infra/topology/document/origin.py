"""The text that declares the objects of a topology: its file, and the place of each object in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import NamedTuple

from attune_infra.dataclass import dataclass
from attune_infra.topology.document.places import BUILT_IN, STDIN, Places, Thing
from attune_infra.topology.document.problems import Problem
from attune_infra.topology.model import Binding, Queue, Route, WorkerFamily
from attune_infra.topology.worker import PLACEHOLDER, bindings_of, owner_of


class Spot(NamedTuple):
    """A place in a file; line and column count from 1, and `end` is the column behind it, if that is known."""

    file: str
    line: int
    column: int
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """A text, with the places of the objects in it if they were asked for.

    `file` is None if no file holds the text: it is built in, or standard input.
    """

    file: str | None = None
    places: Places = field(default_factory=Places)
    workers: WorkerFamily | None = None

    def at(self, line: int, column: int, end: int | None = None, source: str = "") -> Spot | None:
        """Return a place in the file, or in the document named `source`; None if there is no file."""
        file = source or self.file
        is_file = file is not None and file != STDIN and not file.startswith(BUILT_IN)
        return Spot(file, line, column, end) if file is not None and is_file else None

    def spot_of(self, item: Thing | Route | Problem, part: str = "") -> Spot | None:
        """Return the place of an object, or of a part of it; None if it is unknown.

        The objects of a worker stand where the `workers` section of the document declares them.
        """
        if isinstance(item, Problem):
            return self.at(item.line, item.column, source=item.source)
        if isinstance(item, Route):
            return self.at(*item.place, source=item.source)
        found = self.places.of(item, part)
        for template in () if found else self._templates(item):
            found = self.places.of(template, part)
        return self.at(*found) if found else None

    def _templates(self, item: Thing) -> Iterator[Thing]:
        """Yield the entry of the `workers` section that an object of a worker comes from."""
        if self.workers is None or not isinstance(item, Queue | Binding):
            return
        worker_id = owner_of(self.workers, item.destination if isinstance(item, Binding) else item.name)
        if worker_id is None:
            return
        if isinstance(item, Queue):
            filled = ((each, each.name.replace(PLACEHOLDER, str(worker_id))) for each in self.workers.queues)
            yield from (each for each, name in filled if name == item.name)
        else:
            own = zip(self.workers.bindings, bindings_of(self.workers, worker_id), strict=True)
            yield from (each for each, binding in own if binding == item)
