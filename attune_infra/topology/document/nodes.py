"""YAML text -> nodes, and nodes -> plain values; each problem with its place.

No text can crash this module or keep it busy. The composer bounds the nesting before it makes the tree, and this
module the expansion of aliases before it walks the tree.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar, cast

import yaml

from attune_infra.dataclass import dataclass
from attune_infra.topology.document.composer import (
    MAPPING,
    MAX_DEPTH,
    SEQUENCE,
    STRING,
    TAG,
    TOO_DEEP,
    Composer,
    Loader,
    NamedText,
    TooDeep,
)
from attune_infra.topology.document.places import Place
from attune_infra.topology.document.problems import Problem
from attune_infra.topology.facts.arguments import HIGHEST, LOWEST
from attune_infra.topology.model import Argument
from attune_infra.topology.words import describe, guess, mismatch

_SECOND_DOCUMENT: Final = "a file holds one document; write this one to a file of its own"

MAX_NODES: Final = 1_000_000
"""Nodes of a document after all aliases are expanded; a queue has about fifteen."""

_MAX_PROBLEMS_WITH_GUESSES: Final = 100
"""Problems that may suggest a similar name; a document with more has another cause, and guessing is slow."""

_ANCHOR: Final = "&"
"""The sign of an anchor, which aliases point to; a text may also hold it for other reasons."""

_MAX_CACHED_LENGTH: Final = 24
"""Characters of a scalar whose value is kept, since short ones repeat."""

_NO_NAME: Final = "<unicode string>"
"""PyYAML's name of a text without a name."""

_Scalar = TypeVar("_Scalar", str, bool, int)
_Compose: TypeAlias = "Callable[[str | NamedText], list[yaml.Node | None]]"
_Pairs: TypeAlias = "list[tuple[yaml.Node, yaml.Node]]"

_NULL: Final = f"{TAG}null"
_MERGE: Final = f"{TAG}merge"
_ODD_TEXT: Final = {_MERGE, f"{TAG}value"}
"""Tags of plain `<<` and `=` in YAML 1.1; they are text unless a colon follows."""

_NUMBERS: Final = {f"{TAG}int", f"{TAG}float"}
_MAX_NUMBER_LENGTH: Final = 100
"""Characters of a number; YAML 1.1 has numbers of base 60, and reading a long one takes very long."""


class Entry(NamedTuple):
    """A key of a mapping, and its value."""

    key: yaml.Node
    value: yaml.Node


@dataclass(slots=True)
class Nodes:
    """The nodes of a document. `problems` fills up as they are read; a wrong value reads as its default."""

    text: str
    problems: list[Problem] = field(default_factory=list)
    source: str = ""
    """The name of the text, if it is one of several."""
    _loader: yaml.SafeLoader = field(default_factory=lambda: Loader(""))
    _read: dict[tuple[str, str], object] = field(default_factory=dict)
    """Values of short scalars, by tag and text."""
    _settled: set[tuple[str, int, int]] = field(default_factory=set)

    def composer(self, text: str | NamedText) -> Composer:
        """Return the composer of the nodes of the text."""
        return Composer(text)

    def root(self) -> yaml.Node | None:
        """Return the outermost node; None, and a problem, if the text cannot be read."""
        found = self._composed(lambda text: [yaml.compose(text, Loader=cast(Any, self.composer))])
        if found == [None]:
            self._unreadable((1, 1), "the document is empty")
        return next(iter(self._expandable(found)), None)

    def roots(self) -> list[yaml.Node]:
        """Return the outermost node of each document of the text; none, and a problem, if it cannot be read."""
        return self._expandable(
            self._composed(lambda text: list(yaml.compose_all(text, Loader=cast(Any, self.composer))))
        )

    def _expandable(self, roots: list[yaml.Node | None] | None) -> list[yaml.Node]:
        """Return the nodes; none, and a problem, if an alias cannot be expanded."""
        found = [root for root in roots or () if root is not None]
        return found if _ANCHOR not in self.text or all(map(self._can_expand, found)) else []

    def _composed(self, compose: _Compose) -> list[yaml.Node | None] | None:
        if found := yaml.reader.Reader.NON_PRINTABLE.search(self.text):
            line = self.text.count("\n", 0, found.start()) + 1
            column = found.start() - self.text.rfind("\n", 0, found.start())
            self._unreadable((line, column), f"invalid YAML: {found[0]!r} must be written as an escape")
            return None
        try:
            return compose(NamedText(self.text, self.source) if self.source else self.text)
        except TooDeep as error:
            self._unreadable(_place(error.problem_mark), str(error.problem))
        except yaml.MarkedYAMLError as error:
            place = _place(error.problem_mark or error.context_mark)
            self._unreadable(place, _sentence(f"{error.problem or error.context}"))
        return None

    def problem(self, node: yaml.Node, what: str) -> None:
        """Note a problem at the place of a node, unless that has one which others follow from."""
        line, column, _, source = place_of(node)
        if (source, line, column) not in self._settled:
            self.problems.append(Problem(line, column, what, source=source))

    def _unreadable(self, place: tuple[int, int], what: str) -> None:
        self.problems.append(Problem(*place, what, source=self.source))

    def settle(self) -> None:
        """Let no other problem follow at the places that have one by now."""
        self._settled = {(found.source, found.line, found.column) for found in self.problems}

    def guess(self, name: str, known: Iterable[str]) -> str:
        """Return a question that suggests a similar name, or nothing if there are many problems already."""
        return guess(name, known) if len(self.problems) < _MAX_PROBLEMS_WITH_GUESSES else ""

    def mapping(self, node: yaml.Node | None, what: str, known: tuple[str, ...]) -> dict[str, yaml.Node]:
        """Return the values of a mapping, and report unknown keys; no node and null mean an empty mapping."""
        if isinstance(node, yaml.MappingNode) and node.tag == MAPPING:
            found = {key.value: value for key, value in node.value if key.tag == STRING and key.value in known}
            if len(found) == len(node.value):  # nearly always, and then there is no problem
                return found
        entries = self.entries(node, what)
        for name, entry in entries.items():
            if name not in known:
                self.problem(entry.key, f"unknown key '{name}' in {what}" + self.guess(name, known))
        return {name: entry.value for name, entry in entries.items() if name in known}

    def entries(self, node: yaml.Node | None, what: str) -> dict[str, Entry]:
        """Return the entries of a mapping, and report duplicate keys; no node and null mean an empty mapping."""
        if node is None or is_null(node):
            return {}
        if not isinstance(node, yaml.MappingNode) or node.tag != MAPPING:
            self.problem(node, f"{what} must be a mapping")
            return {}
        found: dict[str, Entry] = {}
        for key, value in self._pairs(node):
            if not isinstance(key, yaml.ScalarNode):
                self.problem(key, f"a key in {what} must be a string")
            elif key.value in found:
                self.problem(key, f"duplicate key '{key.value}' in {what}")
            else:
                found[key.value] = Entry(key, value)
        return found

    def sequence(self, node: yaml.Node | None, what: str) -> list[yaml.Node]:
        """Return the items of a list; no node and null mean an empty list."""
        if node is None or is_null(node):
            return []
        if not isinstance(node, yaml.SequenceNode) or node.tag != SEQUENCE:
            self.problem(node, f"{what} must be a list")
            return []
        return list(node.value)

    def string(self, node: yaml.Node | None, default: str) -> str:
        if isinstance(node, yaml.ScalarNode) and node.tag == STRING:  # nearly always
            return str(node.value)
        found = self._scalar(node, str, "a string", default, is_text=True)
        if isinstance(node, yaml.ScalarNode) and not is_null(node):
            return str(node.value)  # so that no other problem follows from this one
        return found

    def boolean(self, node: yaml.Node | None, *, default: bool) -> bool:
        return self._scalar(node, bool, "true or false", default)

    def integer(self, node: yaml.Node | None, default: int) -> int:
        return self._scalar(node, int, "an integer", default)

    def argument(self, node: yaml.Node, what: str) -> Argument:
        """Return a value that AMQP can carry and RabbitMQ can store; report any other."""
        match node:
            case yaml.SequenceNode():
                return [self.argument(item, what) for item in self.sequence(node, what)]
            case yaml.MappingNode():
                entries = self.entries(node, what)
                return {name: self.argument(entry.value, what) for name, entry in entries.items()}
        value = self._constructed(node)
        if isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
            return value
        if value is not _UNREADABLE:
            advice = "" if value is None else "; if a text is meant, quote it"
            self.problem(node, f"{what} holds {describe(value)}, which RabbitMQ cannot store{advice}")
        return ""

    def _scalar(
        self, node: yaml.Node | None, kind: type[_Scalar], words: str, default: _Scalar, *, is_text: bool = False
    ) -> _Scalar:
        if node is None:
            return default
        value = self._constructed(node)
        if type(value) is kind:
            return value
        if value is not _UNREADABLE:
            advice = advise_quotes(node, value) if is_text else ""
            self.problem(node, mismatch(words, value) + advice)
        return default

    def _constructed(self, node: yaml.Node) -> object:
        """Return the value of a scalar; of a collection only its type."""
        if not isinstance(node, yaml.ScalarNode):
            return [] if isinstance(node, yaml.SequenceNode) else {}
        if node.tag == STRING:
            return node.value
        known = self._read.get((node.tag, node.value), _UNREADABLE)
        return self._construct(node) if known is _UNREADABLE else known

    def _construct(self, node: yaml.ScalarNode) -> object:
        plain = self._loader.resolve(yaml.ScalarNode, node.value, (True, False))  # type: ignore[no-untyped-call]
        if node.tag != plain:
            self.problem(node, f"the tag {node.tag.removeprefix(TAG)} does not fit this value; remove it")
            return _UNREADABLE
        if node.tag in _ODD_TEXT:
            return node.value
        if node.tag in _NUMBERS and len(node.value) > _MAX_NUMBER_LENGTH:
            self.problem(node, f"the number has more than {_MAX_NUMBER_LENGTH} characters")
            return _UNREADABLE
        try:
            value = self._loader.construct_object(node)
        except ValueError as error:
            self.problem(node, f"cannot read the value: {error}")
            return _UNREADABLE
        if type(value) is int and not LOWEST <= value <= HIGHEST:
            self.problem(node, "the integer has more than 64 bits, which AMQP cannot carry")
            return _UNREADABLE
        if len(node.value) <= _MAX_CACHED_LENGTH:
            self._read[node.tag, node.value] = value
        return value

    def _pairs(self, node: yaml.MappingNode) -> _Pairs:
        """Return keys and values, those merged by `<<` last; keys of the mapping itself win."""
        own: _Pairs = node.value
        if _MERGE not in [key.tag for key, _ in own]:
            return own
        pairs = [(key, value) for key, value in own if key.tag != _MERGE]
        names = {key.value for key, _ in pairs if isinstance(key, yaml.ScalarNode)}
        for merged in self._merged(node):
            added = [(key, value) for key, value in self._pairs(merged) if _name(key) not in names]
            names.update(key.value for key, _ in added if isinstance(key, yaml.ScalarNode))
            pairs += added
        return pairs

    def _merged(self, node: yaml.MappingNode) -> Iterator[yaml.MappingNode]:
        for key, value in node.value:
            if key.tag == _MERGE:
                for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    if isinstance(source, yaml.MappingNode):
                        yield source
                    else:
                        self.problem(source, "<< must stand before a mapping or a list of mappings")

    def _can_expand(self, root: yaml.Node) -> bool:
        """Return true if all aliases can be expanded, and report a problem if not; look at each node once."""
        sizes: dict[int, tuple[int, int]] = {}
        above: set[int] = set()
        waiting = [(root, False)]
        while waiting:
            node, measured = waiting.pop()
            if measured:
                above.discard(id(node))
                sizes[id(node)] = _size(sizes[id(child)] for child in _children(node))
                if what := _excess(*sizes[id(node)]):
                    self.problem(node, what)
                    return False
            elif id(node) in above:
                self.problem(node, "an alias makes this collection contain itself")
                return False
            elif id(node) not in sizes:
                above.add(id(node))
                waiting += [(node, True), *((child, False) for child in _children(node))]
        return True


_UNREADABLE: Final = object()
"""The value of a scalar whose problem has been reported."""


def is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == _NULL


def place_of(node: yaml.Node) -> Place:
    """Return the place of the first character of a node, and of the last one of a scalar."""
    line, column = _place(node.start_mark)
    last_line, end = _place(node.end_mark)
    name = getattr(node.start_mark, "name", _NO_NAME)
    is_on_line = isinstance(node, yaml.ScalarNode) and last_line == line
    return Place(line, column, end if is_on_line else None, "" if name == _NO_NAME else str(name))


def _place(mark: yaml.error.Mark | yaml._yaml.Mark | None) -> tuple[int, int]:
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _sentence(complaint: str) -> str:
    """Return the sentence for a complaint of PyYAML or of its C library."""
    if "nesting depth" in complaint:  # a limit that the C library has since PyYAML 6.0.4
        return TOO_DEEP
    return _SECOND_DOCUMENT if "found another document" in complaint else f"invalid YAML: {complaint}"


def advise_quotes(node: yaml.Node, value: object) -> str:
    """Return advice for a text that YAML reads as something else; nothing for null and collections."""
    if value is None or not isinstance(node, yaml.ScalarNode):
        return ""
    meaning = str(value).lower() if isinstance(value, bool) else str(value)
    if node.value == meaning:
        return "; quote it"
    return f"; YAML reads `{node.value}` as {meaning}: quote it"


def _name(key: yaml.Node) -> str | None:
    return key.value if isinstance(key, yaml.ScalarNode) else None


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    match node:
        case yaml.SequenceNode():
            yield from node.value
        case yaml.MappingNode():
            for pair in node.value:
                yield from pair


def _size(children: Iterator[tuple[int, int]]) -> tuple[int, int]:
    """Return the number of nodes and of levels below a node, from the sizes of its children."""
    nodes, levels = 1, 0
    for inside, below in children:
        nodes, levels = nodes + inside, max(levels, below)
    return nodes, levels + 1


def _excess(nodes: int, levels: int) -> str | None:
    if levels > MAX_DEPTH:
        return TOO_DEEP
    if nodes > MAX_NODES:
        return f"the aliases expand to more than {MAX_NODES} values"
    return None
