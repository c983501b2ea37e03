"""Large documents: exchanges and queues are read while YAML is parsed, and their nodes are let go of.

So the nodes of a document are never all in memory, and they are most of what reading it needs. This reader takes
valid documents only. It says nothing about any other one: the reader of whole documents then finds its problems.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import field
from typing import Final, TypeAlias

import yaml

from attune_infra.dataclass import dataclass
from attune_infra.topology.document.composer import MAPPING, MAX_DEPTH, Composer, NamedText
from attune_infra.topology.document.judge import judge
from attune_infra.topology.document.sections.objects import Objects, Parts
from attune_infra.topology.model import Binding, Exchange, Queue, TopologyObject

MIN_LENGTH: Final = 500_000
"""Characters of a large document: some 2,000 queues with three bindings each."""
_SHARE: Final = 20
"""Objects that are read at a time."""
_OF_WHOLES: Final = ("&", "<<", "${")
"""Signs of anchors, merge keys and variables: a document may need its nodes more than once."""
_SECTIONS: Final = frozenset({"exchanges", "queues"})
_DEPTH: Final = 3
"""The depth of the objects: in a section, which is in the document."""
_NOWHERE: Final = yaml.ScalarNode(MAPPING, "")
_NO_PARTS: Final = Parts(_NOWHERE, {"exchange": _NOWHERE}, {})
"""Nodes in place of those of a binding, whose problem is reported at none."""

_Take: TypeAlias = Callable[[yaml.Node | None, yaml.MappingNode], None]


class Doubtful(Exception):
    """A document that may have a problem."""


def is_large(text: str) -> bool:
    """Return whether a document should be read while it is parsed, and can be."""
    return len(text) >= MIN_LENGTH and not any(sign in text for sign in _OF_WHOLES)


class _TakingComposer(Composer):
    """A composer that gives the objects of a section away, a share at a time."""

    def __init__(self, text: str | NamedText, take: _Take) -> None:
        super().__init__(text)
        self._take = take
        self._section: yaml.Node | None = None

    def descend_resolver(self, parent: yaml.Node | None, index: object) -> None:
        self.depth = depth = self.depth + 1
        if depth > _DEPTH:  # nearly always
            if depth > MAX_DEPTH:
                self.refuse_depth(parent)
        elif depth == _DEPTH - 1:
            self._section = index if isinstance(index, yaml.Node) else None
        elif index is None and isinstance(parent, yaml.MappingNode) and len(parent.value) >= _SHARE:
            self._take(self._section, parent)  # a key begins, so the pairs before it are complete


@dataclass(slots=True)
class LargeDocument(Objects):
    """A document whose exchanges and queues are read before its root is known; a problem raises `Doubtful`."""

    _sections: dict[str, yaml.MappingNode] = field(default_factory=dict)
    _names: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _exchanges: list[Exchange | Binding] = field(default_factory=list)
    _queues: list[Queue | Binding] = field(default_factory=list)

    def composer(self, text: str | NamedText) -> Composer:
        return _TakingComposer(text, self._take)

    def root(self) -> yaml.Node | None:
        found = Objects.root(self)
        if self.problems:
            raise Doubtful
        for name, section in self._sections.items():
            self._read_objects(name, section)
        return found

    def problem(self, node: yaml.Node, what: str) -> None:  # noqa: ARG002 - as the class has it
        raise Doubtful(what)

    def judge(
        self,
        item: TopologyObject,
        parts: Parts,  # noqa: ARG002 - as the class has it
        *,
        from_headers: bool = False,
    ) -> None:
        for defect in judge(item, from_headers=from_headers):
            raise Doubtful(defect.sentence)

    def exchanges(self, node: yaml.Node | None) -> Iterator[Exchange | Binding]:
        yield from self._exchanges
        self._exchanges.clear()
        yield from Objects.exchanges(self, node)

    def queues(self, node: yaml.Node | None, *, fill: Callable[[str], str]) -> Iterator[Queue | Binding]:
        if fill is str:  # they are no queues of workers
            yield from self._queues
            self._queues.clear()
        yield from Objects.queues(self, node, fill=fill)

    def bind(self, binding: Binding, parts: Parts) -> None:  # noqa: ARG002 - as the class has it
        self.bound.append((binding, _NO_PARTS))

    def _take(self, key: yaml.Node | None, section: yaml.MappingNode) -> None:
        """Read the objects of a section that are complete, and remove their nodes from it."""
        name = key.value if isinstance(key, yaml.ScalarNode) else None
        if name not in _SECTIONS or section.tag != MAPPING:
            return
        if self._sections.setdefault(name, section) is not section:
            raise Doubtful(f"two sections {name}")
        self._read_objects(name, section)

    def _read_objects(self, name: str, section: yaml.MappingNode) -> None:
        names, before = self._names[name], len(self._names[name])
        names.update(key.value for key, _ in section.value if isinstance(key, yaml.ScalarNode))
        if len(names) < before + len(section.value):
            raise Doubtful(f"two of one name in {name}")
        if name == "queues":
            self._queues += Objects.queues(self, section, fill=str)
        else:
            self._exchanges += Objects.exchanges(self, section)
        section.value.clear()
