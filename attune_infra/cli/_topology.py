"""The topology of a command: a built-in one, a document, or RabbitMQ's definitions."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import field, replace
from typing import TYPE_CHECKING, Final

from attune_infra.cli._files import STDIN, read_text
from attune_infra.dataclass import dataclass
from attune_infra.errors import InvalidInput, WrongUsage
from attune_infra.files import documents_of
from attune_infra.topology.builtin import NAMES, text_of
from attune_infra.topology.words import guess

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from attune_infra.topology.document.merging.overlay import Text
    from attune_infra.topology.document.reading import Reading
    from attune_infra.topology.document.text import LeftOut
    from attune_infra.topology.document.variables import Values
    from attune_infra.topology.model import Topology


_BUILT_IN_OR_FILE: Final = f"built in: {', '.join(NAMES)}; or give a file, YAML or definitions JSON"


@dataclass(frozen=True, slots=True)
class TopologyText:
    """A text that should hold a topology, and its name."""

    source: str
    text: str
    file: str | None = None
    """The file that holds it; None for a built-in topology, standard input and the text in a saved plan."""
    values: Values = field(default_factory=dict)
    """The values that are given for its variables."""

    def parse(self, vhost: str | None = None) -> tuple[Topology, tuple[LeftOut, ...]]:
        """Return the topology, and what of the text is not in it; raise `InvalidInput` naming all problems.

        Definitions may hold several virtual hosts, of which it is `vhost`; a document holds one, unnamed.
        """
        if self.holds_definitions():
            from attune_infra.topology.document.definitions.virtual_host import parse_definitions

            return parse_definitions(self.text, source=self.source, vhost=vhost)
        from attune_infra.topology.document.parse import parse

        try:
            return parse(self.document, source=self.source, values=self.values), ()
        except InvalidInput as error:
            _refuse_foreign(self.text, self.source, error)
            raise

    def read_for(self, own: Callable[[], str], *, chosen: str | None = None, with_places: bool = False) -> Reading:
        """Return the topology for a virtual host: the chosen one; or `own`, asked for if definitions hold several.

        The places of the objects of a document are in the `Reading` if asked for, which takes longer.

        Raise `InvalidInput` naming all problems of a document. Those of definitions are in the `Reading`.
        All virtual hosts of a document are in it. Raise `WrongUsage` if one is chosen and it names none.
        """
        if self.holds_definitions():
            from attune_infra.topology.document.definitions.virtual_host import read_definitions

            return read_definitions(self.text, source=self.source, vhost=chosen, own=own)
        reading = self._read_or_refuse(with_places=with_places)
        if chosen is not None and not reading.topology.virtual_hosts:
            raise WrongUsage(
                f"--vhost chooses one of several virtual hosts; {self.source} is a document that names none",
                hint="leave out --vhost; --amqp-url names the virtual host of the broker",
            )
        return reading

    def _read_or_refuse(self, *, with_places: bool) -> Reading:
        try:
            return self._read_document(with_places=with_places)
        except InvalidInput as error:
            for text, source in self.given():
                _refuse_foreign(text, source, error)
            raise

    def given(self) -> list[tuple[str, str]]:
        """Return each text that was given, and its name."""
        return [(self.text, self.source)]

    def _read_document(self, *, with_places: bool) -> Reading:
        from attune_infra.topology.document.parse import parse_with_places
        from attune_infra.topology.document.reading import Reading

        if not with_places:
            return Reading(self.source, self.parse()[0])
        topology, places = parse_with_places(self.document, source=self.source, values=self.values)
        return Reading(self.source, topology, places=places)

    def resolve(self) -> str:
        """Return the text with values in place of its variables; raise `InvalidInput` naming all problems."""
        if self.holds_definitions() or not (self.values or "variables" in self.text):
            return self.text
        from attune_infra.topology.document.parse import resolve

        return resolve(self.document, source=self.source, values=self.values)

    @property
    def document(self) -> str:
        """The text without a byte order mark."""
        return self.text.removeprefix("\ufeff")

    def holds_definitions(self) -> bool:
        """Return whether the text is RabbitMQ's definitions; raise `WrongUsage` if values are given for them."""
        if not self.text.lstrip("\ufeff \t\r\n").startswith("{"):
            return False
        from attune_infra.topology.document.definitions.virtual_host import looks_like_definitions

        if not looks_like_definitions(self.text):
            return False
        if self.values:
            raise WrongUsage(
                f"{self.source} holds RabbitMQ's definitions, which have no variables",
                hint="leave out --set and --values, or `attune-infra import` makes a document of it",
            )
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologyTexts(TopologyText):
    """Several documents, read as one topology."""

    texts: tuple[TopologyText, ...]

    @classmethod
    def of(cls, texts: Sequence[TopologyText]) -> TopologyTexts:
        """Return several texts as one; raise `WrongUsage` if one of them holds definitions."""
        for each in texts if len(texts) > 1 else ():
            if each.holds_definitions():
                raise WrongUsage(
                    f"{each.source} holds RabbitMQ's definitions, and another topology is given too",
                    hint="give it alone, or `attune-infra import` makes a document of it",
                )
        file = next((each.file for each in texts if each.file is not None), None)
        return cls(source=" + ".join(each.source for each in texts), text="", file=file, texts=tuple(texts))

    def given(self) -> list[tuple[str, str]]:
        return [(each.text, each.source) for each in self.texts]

    def parse(self, vhost: str | None = None) -> tuple[Topology, tuple[LeftOut, ...]]:
        return self.read_for(lambda: "", chosen=vhost).topology, ()

    def resolve(self) -> str:
        from attune_infra.topology.document.merging.several import resolve_several

        return resolve_several(self._parts, values=self.values, read=_read_base)

    def _read_document(self, *, with_places: bool) -> Reading:
        from attune_infra.topology.document.merging.several import read_several

        found = read_several(self._parts, values=self.values, with_places=with_places, read=_read_base)
        return replace(found, source=self.source)

    @property
    def _parts(self) -> list[Text]:
        from attune_infra.topology.document.merging.overlay import Text
        from attune_infra.topology.document.places import BUILT_IN

        return [
            Text(each.source if each.file or each.source == STDIN else BUILT_IN + each.source, each.document)
            for each in self.texts
        ]


def _refuse_foreign(text: str, source: str, error: InvalidInput) -> None:
    """Raise `InvalidInput` for a text that is no document, but one that `import` reads."""
    from attune_infra.topology.document.foreign.recognise import program_of

    if program := program_of(text):
        raise InvalidInput(
            f"{source} holds resources of {program}, which are no document",
            hint=f"`attune-infra import {shlex.quote(source)} --to topology.yaml` makes one of them",
        ) from error


def read_topologies(names: Sequence[str]) -> TopologyText:
    """Return the text of a topology, or of several that become one; a folder stands for the documents in it.

    Raise `InvalidInput` if one cannot be read.
    """
    found = [each for name in names for each in ([name] if name in NAMES else documents_of(name))]
    return _joined([read_topology(name) for name in dict.fromkeys(found)])


def texts_in(names: Sequence[str]) -> TopologyText:
    """Return the text of files and folders; raise `InvalidInput` if one cannot be read."""
    found = [each for name in names for each in documents_of(name)]
    return _joined([text_in(name) for name in dict.fromkeys(found)])


def _joined(texts: Sequence[TopologyText]) -> TopologyText:
    return texts[0] if len(texts) == 1 and not _may_extend(texts[0]) else TopologyTexts.of(texts)


def _may_extend(text: TopologyText) -> bool:
    """Return whether a text may be a document that extends another one."""
    if not re.search(r"""^[\s{]*["']?extends["']?\s*:|,\s*extends\s*:""", text.text, re.MULTILINE):
        return False
    return not (text.text.lstrip().startswith('{"') or text.holds_definitions())


def _read_base(name: str, source: str) -> Text:
    """Return the document that another one extends: a built-in one, or a file beside it."""
    from attune_infra.topology.document.merging.overlay import Text
    from attune_infra.topology.document.places import BUILT_IN

    if name in NAMES:
        return Text(f"{BUILT_IN}{name}.yaml", text_of(name))
    folder = "" if source.startswith(BUILT_IN) else os.path.dirname(source)  # noqa: PTH120 # names stay as they are
    path = os.path.normpath(os.path.join(folder, name))  # noqa: PTH118 # the same
    if path == STDIN:
        raise InvalidInput("standard input is no document to extend", hint="name a file")
    return Text(path, read_text(path).removeprefix("\ufeff"))


def read_topology(name: str) -> TopologyText:
    """Return the text of a built-in topology or of a file; raise `InvalidInput` if it is neither."""
    if name in NAMES:
        return TopologyText(f"{name}.yaml", text_of(name))
    try:
        return text_in(name)
    except InvalidInput as error:
        if _is_file_name(name):
            raise
        raise _unknown(name, _BUILT_IN_OR_FILE) from error


def require_name(name: str) -> None:
    """Raise `InvalidInput` if a text is the name of neither a built-in topology nor a file."""
    from pathlib import Path

    if name not in NAMES and not _is_file_name(name) and not Path(name).exists():
        raise _unknown(name, _BUILT_IN_OR_FILE)


def _is_file_name(name: str) -> bool:
    return name == STDIN or "/" in name or "." in name


def text_in(name: str) -> TopologyText:
    """Return the text of a file, or of standard input; raise `InvalidInput` if it cannot be read."""
    return TopologyText(name, read_text(name), file=None if name == STDIN else name)


def _unknown(name: str, hint: str) -> InvalidInput:
    return InvalidInput(f"there is no topology '{name}'{guess(name, NAMES)}", hint=hint)
