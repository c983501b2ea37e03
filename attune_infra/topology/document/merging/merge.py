"""Several documents -> one: their sections side by side, and a problem for everything that two of them declare.

It works on nodes, so that the merged document is read and judged like any other, and each part keeps its place. It
knows three things of sections: most hold objects by name, two hold settings, and lists are put behind each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

import yaml

from attune_infra.dataclass import dataclass
from attune_infra.topology.document.keys import DOCUMENT_KEYS, SECTION_OF_VIRTUAL_HOSTS
from attune_infra.topology.document.nodes import Entry, Nodes, is_null, place_of
from attune_infra.topology.document.variables import SECTION as VARIABLES
from attune_infra.topology.facts.exchanges import PREDECLARED_EXCHANGES

_NAME: Final = "topology"
_OF_ONE_FILE: Final = frozenset({VARIABLES})
"""Sections that are used up by the document that they stand in."""
_OF_SETTINGS: Final = frozenset({"workers", "lint"})
"""Sections whose keys are no names of objects."""
_OF_PAIRS: Final = frozenset({"topic_permissions", "parameters"})
"""Sections whose objects have two names, one below the other."""
_WITH_OWNERS: Final = frozenset({"exchanges", "queues"})
"""Sections whose objects may be external, so that another document declares them."""
_KINDS: Final = {
    "queues": "queue",
    "exchanges": "exchange",
    "policies": "policy",
    "super_streams": "super stream",
    "users": "user",
    SECTION_OF_VIRTUAL_HOSTS: "virtual host",
}
_TRUE: Final = frozenset({"true", "yes", "on"})
"""Words that YAML 1.1 reads as true."""
_TAG: Final = "tag:yaml.org,2002:"
_Part: TypeAlias = "tuple[yaml.Node, yaml.Node]"


def merge(document: Nodes, roots: Sequence[yaml.Node]) -> yaml.Node:
    """Return the root of one document with everything that these hold; conflicts become problems of `document`.

    An object that is external in one document may be declared in another one: its declaration is taken, with the
    bindings of both.
    """
    sections: dict[str, list[Entry]] = {}
    for root in roots:
        entries = document.entries(root, "the document")
        for name, entry in entries.items():
            if name not in DOCUMENT_KEYS:
                document.problem(
                    entry.key, f"unknown key '{name}' in the document{document.guess(name, DOCUMENT_KEYS)}"
                )
            elif name not in _OF_ONE_FILE:
                sections.setdefault(name, []).append(entry)
    merged = (_pair(found, _section(document, name, found)) for name, found in sections.items())
    return _mapping(roots[0], merged)


def _section(document: Nodes, name: str, found: Sequence[Entry]) -> yaml.Node:
    """Return the value of a section, or of a setting, that at least one document has."""
    first, *others = [entry.value for entry in found if not is_null(entry.value)] or [found[0].value]
    if not others:
        return first
    for other in others:
        if type(other) is not type(first):
            document.problem(other, f"{name} is of another kind {_seen(first, other)}")
            return first
    match first:
        case yaml.SequenceNode():
            return _list([first, *others])
        case yaml.MappingNode() if name in _OF_SETTINGS:
            return _settings(document, name, [first, *others])
        case yaml.MappingNode():
            return _objects(document, name, [first, *others])
        case _:
            return _scalar(document, name, [first, *others])


def _scalar(document: Nodes, name: str, found: Sequence[yaml.Node]) -> yaml.Node:
    """Return the value that all documents give; the names of topologies may differ, and are named side by side."""
    first = found[0]
    texts = list(dict.fromkeys(str(node.value) for node in found))
    if len(texts) == 1:
        return first
    if name == _NAME:
        return yaml.ScalarNode(first.tag, " + ".join(texts), first.start_mark, first.end_mark)
    other = next(node for node in found if node.value != first.value)
    document.problem(other, f"{name} is '{other.value}' here and '{first.value}' {_seen(first, other)}")
    return first


def _settings(document: Nodes, section: str, found: Sequence[yaml.Node]) -> yaml.Node:
    keys: dict[str, list[Entry]] = {}
    for node in found:
        for name, entry in document.entries(node, section).items():
            keys.setdefault(name, []).append(entry)
    return _mapping(found[0], (_pair(each, _section(document, name, each)) for name, each in keys.items()))


def _objects(document: Nodes, section: str, found: Sequence[yaml.Node]) -> yaml.Node:
    """Return the objects of a section by name; report each name that several documents declare."""
    objects: dict[str, list[_Declared]] = {}
    for node in found:
        for name, entry in document.entries(node, section).items():
            objects.setdefault(name, []).append(_Declared(document, section, name, entry))
    return _mapping(found[0], (_object(document, each) for each in objects.values()))


@dataclass(frozen=True, slots=True)
class _Declared:
    """An object as one document declares it, or expects another one to."""

    document: Nodes
    section: str
    name: str
    entry: Entry

    @property
    def label(self) -> str:
        kind = _KINDS.get(self.section)
        return f"{kind} '{self.name}'" if kind else f"'{self.name}' of {self.section}"

    @property
    def is_elsewhere(self) -> bool:
        """True for an object that this document does not declare."""
        if self.section == "exchanges" and self.name in PREDECLARED_EXCHANGES:
            return True
        external = self.keys().get("external")
        return self.section in _WITH_OWNERS and external is not None and external.value.value.lower() in _TRUE

    @property
    def type(self) -> str | None:
        """The type that it names, or has without naming one; None if it is not known here."""
        keys = self.keys()
        entry = keys.get("type")
        if entry is None and "arguments" in keys:
            entry = self._entries(keys["arguments"].value).get("x-queue-type")
        if entry is not None and isinstance(entry.value, yaml.ScalarNode) and not is_null(entry.value):
            return str(entry.value.value)
        return "direct" if self.section == "exchanges" and not self.is_elsewhere else None

    def keys(self) -> dict[str, Entry]:
        """Return its keys; none if it is no mapping, which is a problem of its own."""
        return self._entries(self.entry.value)

    def bindings(self) -> list[yaml.Node]:
        entry = self.keys().get("bindings")
        return list(entry.value.value) if entry and isinstance(entry.value, yaml.SequenceNode) else []

    def _entries(self, node: yaml.Node) -> dict[str, Entry]:
        return self.document.entries(node, self.label) if isinstance(node, yaml.MappingNode) else {}


def _object(document: Nodes, declared: Sequence[_Declared]) -> _Part:
    """Return the key and the value of an object: its declaration, with the bindings of all documents."""
    if declared[0].section in _OF_PAIRS and all(
        isinstance(each.entry.value, yaml.MappingNode) for each in declared
    ):
        section, found = f"{declared[0].section} {declared[0].name}", [each.entry.value for each in declared]
        return declared[0].entry.key, _objects(document, section, found)
    if declared[0].section == SECTION_OF_VIRTUAL_HOSTS:
        return declared[0].entry.key, _virtual_host(declared)
    owners = [each for each in declared if not each.is_elsewhere]
    for other in owners[1:]:
        _report_twice(document, owners[0], other)
    chosen = (owners or declared)[0]
    others = [each for each in declared if each is not chosen]
    if others and len(owners) <= 1:
        _compare_types(document, [chosen, *others])
        return chosen.entry.key, _with_bindings(chosen, others)
    return chosen.entry.key, chosen.entry.value


def _virtual_host(declared: Sequence[_Declared]) -> yaml.Node:
    """Return a virtual host with all that several documents say of it, merged as documents are."""
    document, found = declared[0].document, [each.entry.value for each in declared]
    for node in found:
        document.entries(node, declared[0].label)  # which reports one that is no mapping
    mappings = [node for node in found if isinstance(node, yaml.MappingNode)]
    return _settings(document, declared[0].label, mappings) if mappings else found[0]


def _report_twice(document: Nodes, first: _Declared, other: _Declared) -> None:
    remedy = ", and write external: true elsewhere" if first.section in _WITH_OWNERS else ""
    if place_of(first.entry.key) == place_of(other.entry.key):
        source = place_of(other.entry.key).source
        what = f"{other.label} is taken twice: more than one of the documents is {source} or extends it"
        document.problem(other.entry.key, f"{what}; give one of them")
        return
    seen = _seen(first.entry.key, other.entry.key)
    document.problem(other.entry.key, f"{other.label} is also declared {seen}; declare it once{remedy}")


def _compare_types(document: Nodes, declared: Sequence[_Declared]) -> None:
    """Report each document that expects another type than its owner, or than an earlier document."""
    first, *others = [each for each in declared if each.type is not None] or declared[:1]
    for other in others:
        if other.type != first.type:
            named = other.keys().get("type")
            node = other.entry.key if named is None else named.value
            seen = _seen(first.entry.key, node)
            document.problem(node, f"{other.label} has the type '{other.type}' here and '{first.type}' {seen}")


def _with_bindings(chosen: _Declared, others: Sequence[_Declared]) -> yaml.Node:
    """Return the value of an object with the bindings that the other documents add to it.

    A binding that a document adds to what another one owns may stand in both, so that neither prunes it alone.
    """
    keys, value = chosen.keys(), chosen.entry.value
    own, more = chosen.bindings(), [item for each in others for item in each.bindings()]
    if not more or not (isinstance(value, yaml.MappingNode) or is_null(value)):
        return value
    written = keys.get("bindings")
    if written and not (isinstance(written.value, yaml.SequenceNode) or is_null(written.value)):
        return value  # a problem of its own
    known = set() if chosen.is_elsewhere else set(map(binding_identity, own))
    items = [*own, *(item for item in more if binding_identity(item) not in known)]
    key = keys["bindings"].key if "bindings" in keys else _text("bindings", more[0])
    bindings = yaml.SequenceNode(f"{_TAG}seq", items, *_marks(more[0]))
    rest = [tuple(entry) for name, entry in keys.items() if name != "bindings"]
    return yaml.MappingNode(f"{_TAG}map", [*rest, (key, bindings)], *_marks(value))


def binding_identity(node: yaml.Node) -> object:
    """Return a hashable stand-in for a binding, the same with and without empty parts."""
    if not isinstance(node, yaml.MappingNode):
        return identity(node)
    return frozenset((identity(key), identity(value)) for key, value in node.value if value.value)


def identity(node: yaml.Node) -> object:
    """Return a hashable stand-in for a node: equal for values that are written alike, in any order of keys."""
    match node:
        case yaml.MappingNode():
            return frozenset((identity(key), identity(value)) for key, value in node.value)
        case yaml.SequenceNode():
            return tuple(map(identity, node.value))
        case _:
            return (node.tag, node.value)


def _seen(first: yaml.Node, other: yaml.Node) -> str:
    return place_of(first).seen_from(place_of(other))


def _list(found: Sequence[yaml.Node]) -> yaml.Node:
    items = [item for node in found for item in node.value]
    return yaml.SequenceNode(found[0].tag, items, *_marks(found[0]))


def _mapping(like: yaml.Node, pairs: Iterator[_Part]) -> yaml.Node:
    return yaml.MappingNode(f"{_TAG}map", list(pairs), *_marks(like))


def _pair(found: Sequence[Entry], value: yaml.Node) -> _Part:
    return found[0].key, value


def _text(text: str, like: yaml.Node) -> yaml.Node:
    return yaml.ScalarNode(f"{_TAG}str", text, *_marks(like))


def _marks(node: yaml.Node) -> tuple[yaml.Mark, yaml.Mark]:
    return node.start_mark, node.end_mark
