"""Overlays: a document that `extends` another one, and what it changes in it.

Mappings are merged key by key, and null removes a key. The lists of a document that hold things of their own
(bindings, routes, patterns) are added to; every other list, and every value, is replaced. `!override` replaces a
collection as a whole. No node is changed, since an alias may share it: merged nodes are new, with their places.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Final, TypeAlias

import yaml

from attune_infra.dataclass import dataclass
from attune_infra.errors import InvalidInput
from attune_infra.topology.document.merging.merge import binding_identity, identity
from attune_infra.topology.document.nodes import Entry, Nodes, is_null
from attune_infra.topology.document.variables import SECTION as VARIABLES

EXTENDS: Final = "extends"
USERS: Final = "users"
_SECRET_KEYS: Final = frozenset({"password", "password_hash"})
"""Keys of a user whose values are replaced as a whole, and shown nowhere."""
MAX_CHAIN: Final = 20
"""Documents that extend each other in a row."""
OVERRIDE: Final = "!override"
"""The tag of a collection that replaces another one as a whole."""

_TAG: Final = "tag:yaml.org,2002:"
_MAX_SHOWN: Final = 60
"""Characters of a value in the list of changes."""


@dataclass(frozen=True, slots=True)
class Text:
    """The text of a document, and its name for messages; each of several has a name of its own."""

    source: str
    text: str


Read: TypeAlias = Callable[[str, str], Text]
"""Read the document that another one extends, by its name in the document named second."""


@dataclass(slots=True)
class Overlay:
    """A document over another one, and a line for each thing that it changes."""

    source: str
    base: str
    changes: list[str] = field(default_factory=list)

    def note(self, path: Sequence[str], what: str, detail: str = "") -> None:
        words = " / ".join(map(_readable, path))
        self.changes.append(f"{what} {words}{detail}")

    def lines(self) -> list[str]:
        changes = self.changes or ["changes nothing"]
        return [f"{_readable(self.source)} extends {_readable(self.base)}:", *(f"  {each}" for each in changes)]


def extended(document: Nodes, text: Text, read: Read) -> tuple[yaml.Node | None, list[Overlay]]:
    """Return the root of a document with all that it extends, and its overlays, the innermost first.

    The root is None if a document cannot be read; problems are those of `document`.
    """
    chain: list[tuple[Text, yaml.Node]] = []
    wanted: Text | None = text
    while wanted is not None:
        part = Nodes(wanted.text, source=wanted.source)
        root = part.root()
        document.problems += part.problems
        if root is None:
            return None, []
        chain.append((wanted, root))
        before = len(document.problems)
        wanted = _base(document, root, [each.source for each, _ in chain], read)
        if len(document.problems) > before:
            return None, []
    base, found = chain.pop()
    overlays: list[Overlay] = []
    while chain:
        over, root = chain.pop()
        overlay = Overlay(over.source, base.source)
        found = _laid(document, found, root, (), overlay)
        overlays.append(overlay)
        base = over
    return _without(found), overlays


def _base(document: Nodes, root: yaml.Node, chain: Sequence[str], read: Read) -> Text | None:
    """Return the document that the last one of a chain extends; None if there is none that can be used."""
    node = _extends(root)
    if node is None:
        return None
    before, name = len(document.problems), document.string(node, "")
    if not name and len(document.problems) == before:
        document.problem(node, "extends names no document")
    if len(document.problems) > before:
        return None
    try:
        found = read(name, chain[-1])
    except InvalidInput as error:
        document.problem(node, f"cannot extend {name}: {error.sentence}")
        return None
    if found.source in chain:
        circle = " > ".join([*chain, found.source])
        document.problem(node, f"the documents extend each other in a circle: {circle}")
        return None
    if len(chain) > MAX_CHAIN:
        document.problem(node, f"more than {MAX_CHAIN} documents extend each other")
        return None
    return found


def _extends(root: yaml.Node) -> yaml.Node | None:
    if not isinstance(root, yaml.MappingNode):
        return None
    return next((value for key, value in root.value if key.value == EXTENDS), None)


def _without(root: yaml.Node) -> yaml.Node:
    """Return the root without the key `extends`, which is used up."""
    if not isinstance(root, yaml.MappingNode):
        return root
    return yaml.MappingNode(
        root.tag, [pair for pair in root.value if pair[0].value != EXTENDS], root.start_mark, root.end_mark
    )


def _laid(document: Nodes, base: yaml.Node, over: yaml.Node, path: tuple[str, ...], overlay: Overlay) -> yaml.Node:
    """Return what a node becomes under another one at the same path."""
    if over.tag == OVERRIDE:
        overlay.note(path, "replaced")
        return _plain(over)
    if path[:-1] == (VARIABLES,) and isinstance(base, yaml.MappingNode) != isinstance(over, yaml.MappingNode):
        base, over = _as_variable(base), _as_variable(over)
    if path[:1] == (USERS,) and path[-1] in _SECRET_KEYS:
        if identity(base) != identity(over):
            overlay.note(path, "changed")
        return over
    match base, over:
        case yaml.MappingNode(), yaml.MappingNode():
            return _merged(document, base, over, path, overlay)
        case yaml.SequenceNode(), yaml.SequenceNode() if path[-1] in _KEYS:
            return _added(base, over, path, overlay)
    if identity(base) != identity(over):
        overlay.note(path, "changed", f": {_shown(base)} -> {_shown(over)}")
    return over


def _merged(
    document: Nodes, base: yaml.MappingNode, over: yaml.MappingNode, path: tuple[str, ...], overlay: Overlay
) -> yaml.Node:
    what = " / ".join(path) or "the document"
    found = dict(document.entries(base, what))
    for name, entry in document.entries(over, what).items():
        inside = (*path, name)
        if inside == (EXTENDS,):
            continue
        if is_null(entry.value):
            if found.pop(name, None) is not None:
                overlay.note(inside, "removed")
            else:
                what = f"null removes '{name}', which {overlay.base} does not have"
                document.problem(entry.key, f"{what}; an empty one is written {{}}")
        elif name not in found:
            overlay.note(inside, "added")
            found[name] = Entry(entry.key, _plain(entry.value))
        else:
            value = _laid(document, found[name].value, entry.value, inside, overlay)
            is_merged = isinstance(value, yaml.CollectionNode) and value is not entry.value
            found[name] = Entry(found[name].key if is_merged else entry.key, value)
    return yaml.MappingNode(base.tag, list(map(tuple, found.values())), over.start_mark, over.end_mark)


def _added(base: yaml.Node, over: yaml.Node, path: tuple[str, ...], overlay: Overlay) -> yaml.Node:
    """Return a list with the items of both; an item of the overlay replaces the one with the same key."""
    key_of, items = _KEYS[path[-1]], list(base.value)
    known = {identity(item) for item in items}
    places: dict[object, int] = {}
    for number, item in enumerate(items):
        places.setdefault(key_of(item), number)
    for item in over.value:
        place = places.pop(key_of(item), None) if identity(item) not in known else None
        if place is not None:
            overlay.note(path, "changed", f": {_shown(items[place])} -> {_shown(item)}")
            items[place] = item
        elif identity(item) not in known:
            overlay.note(path, "added", f": {_shown(item)}")
            items.append(item)
    return yaml.SequenceNode(base.tag, items, over.start_mark, over.end_mark)


def _parts(*names: str) -> Callable[[yaml.Node], object]:
    """Return the key of an item: some of its parts."""

    def key_of(item: yaml.Node) -> object:
        pairs = item.value if isinstance(item, yaml.MappingNode) else []
        found = {key.value: identity(value) for key, value in pairs if isinstance(key, yaml.ScalarNode)}
        return tuple(found.get(name) for name in names) if found else identity(item)

    return key_of


_KEYS: Final[Mapping[str, Callable[[yaml.Node], object]]] = {
    "bindings": binding_identity,
    "manages": identity,
    "manages_users": identity,
    "protect": identity,
    "routes": _parts("publish"),
    "ignore": _parts("rule", "object"),
}
"""The lists that an overlay adds to, and the key of their items."""


def _as_variable(node: yaml.Node) -> yaml.Node:
    """Return a variable as a mapping; a scalar is its default."""
    if not isinstance(node, yaml.ScalarNode):
        return node
    key = yaml.ScalarNode(f"{_TAG}str", "default", node.start_mark, node.end_mark)
    return yaml.MappingNode(f"{_TAG}map", [(key, node)], node.start_mark, node.end_mark)


def _plain(node: yaml.Node) -> yaml.Node:
    """Return a node without the tag `!override`."""
    match node:
        case yaml.MappingNode(tag=tag) if tag == OVERRIDE:
            return yaml.MappingNode(f"{_TAG}map", node.value, node.start_mark, node.end_mark, node.flow_style)
        case yaml.SequenceNode(tag=tag) if tag == OVERRIDE:
            return yaml.SequenceNode(f"{_TAG}seq", node.value, node.start_mark, node.end_mark, node.flow_style)
    return node


def _shown(node: yaml.Node) -> str:
    """Return a value for the list of changes, on one line."""
    match node:
        case yaml.ScalarNode():
            return _cut(_readable(node.value))
        case yaml.SequenceNode():
            text = f"[{', '.join(map(_shown, node.value[:10]))}]"
        case _:
            text = ", ".join(f"{_shown(key)}: {_shown(value)}" for key, value in node.value[:10])
            text = f"{{{text}}}"
    return _cut(text)


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."


def _readable(text: str) -> str:
    """Return a text on one line, whatever is in it."""
    return text if text.isprintable() and text else repr(text)
