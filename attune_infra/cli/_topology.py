"""The topology of a command: a built-in one, a document, or RabbitMQ's definitions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from attune_infra.cli._files import STDIN, read_text
from attune_infra.errors import InvalidInput
from attune_infra.topology.builtin import NAMES, text_of
from attune_infra.topology.words import guess

if TYPE_CHECKING:
    from attune_infra.topology.document.reading import Reading
    from attune_infra.topology.document.text import LeftOut
    from attune_infra.topology.model import Topology


class ChooseVhost(Protocol):
    """Returns the virtual host to read of definitions; None for the only one."""

    def __call__(self, *, is_one_of_several: bool) -> str | None: ...


@dataclass(frozen=True, slots=True)
class TopologyText:
    """A text that should hold a topology, and its name."""

    source: str
    text: str

    def parse(self, vhost: str | None = None) -> tuple[Topology, tuple[LeftOut, ...]]:
        """Return the topology, and what of the text is not in it; raise `InvalidInput` naming all problems.

        Definitions may hold several virtual hosts, of which it is `vhost`; a document holds one, unnamed.
        """
        if self.holds_definitions():
            from attune_infra.topology.document.definitions import parse_definitions

            return parse_definitions(self.text, source=self.source, vhost=vhost)
        from attune_infra.topology.document.parse import parse

        return parse(self._document, source=self.source), ()

    def read(self, vhost: ChooseVhost, *, with_places: bool = False) -> Reading:
        """Return the topology for a virtual host, and the place of each object if asked to, which takes longer.

        Raise `InvalidInput` naming all problems of a document. Those of definitions are in the `Reading`.
        """
        if self.holds_definitions():
            from attune_infra.topology.document.definitions import read_definitions

            chosen = vhost(is_one_of_several=self._holds_several())
            return read_definitions(self.text, source=self.source, vhost=chosen)
        from attune_infra.topology.document.reading import Reading

        if not with_places:
            return Reading(self.source, self.parse()[0])
        from attune_infra.topology.document.parse import parse_with_places

        topology, places = parse_with_places(self._document, source=self.source)
        return Reading(self.source, topology, places=places)

    @property
    def _document(self) -> str:
        return self.text.removeprefix("\ufeff")

    def holds_definitions(self) -> bool:
        if not self._may_be_json():
            return False
        from attune_infra.topology.document.definitions import looks_like_definitions

        return looks_like_definitions(self.text)

    def _may_be_json(self) -> bool:
        return self.text.lstrip("\ufeff \t\r\n").startswith("{")

    def _holds_several(self) -> bool:
        from attune_infra.topology.document.definitions_file import DefinitionsFile

        try:
            file = DefinitionsFile.read(self.text)
        except (ValueError, RecursionError):  # no JSON; `parse` says what it is
            return False
        return len(file.holding() or file.listed()) > 1


def read_topology(name: str) -> TopologyText:
    """Return the text of a built-in topology or of a file; raise `InvalidInput` if it is neither."""
    if name in NAMES:
        return TopologyText(f"{name}.yaml", text_of(name))
    try:
        return TopologyText(name, read_text(name))
    except InvalidInput as error:
        if name == STDIN or "/" in name or "." in name:
            raise
        raise _unknown(name, f"built in: {', '.join(NAMES)}; or give a file, YAML or definitions JSON") from error


def builtin_text(name: str) -> str:
    """Return the document of a built-in topology; raise `InvalidInput` if there is none of that name."""
    if name not in NAMES:
        raise _unknown(name, f"built in: {', '.join(NAMES)}")
    return text_of(name)


def _unknown(name: str, hint: str) -> InvalidInput:
    return InvalidInput(f"there is no topology '{name}'{guess(name, NAMES)}", hint=hint)
