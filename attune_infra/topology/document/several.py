"""Several documents, read as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import yaml

from attune_infra.topology.document.merge import merge
from attune_infra.topology.document.nodes import Nodes
from attune_infra.topology.document.objects import Objects
from attune_infra.topology.document.parse import read_root
from attune_infra.topology.document.places import Places
from attune_infra.topology.document.problems import InvalidDocument, Problem
from attune_infra.topology.document.reading import Reading
from attune_infra.topology.document.serialize import serialize
from attune_infra.topology.document.variables import Values, declared_names, fill
from attune_infra.topology.words import guess


@dataclass(frozen=True, slots=True)
class Text:
    """The text of a document, and its name for messages; each of several has a name of its own."""

    source: str
    text: str


_HERE: Final = "these documents"


def read_several(texts: Sequence[Text], *, values: Values, with_places: bool = False) -> Reading:
    """Return the topology of several documents; raise `InvalidDocument` with the problems of all of them.

    Each has variables of its own; a value is given to all documents that declare its variable.
    """
    places = Places()
    document = Objects("", places=places if with_places else None, here=_HERE)
    root = _merged(document, texts, values)
    topology = read_root(document, root) if root is not None else None
    if document.problems or topology is None:
        raise InvalidDocument(texts[0].source, document.problems)
    return Reading(texts[0].source, topology, places=places)


def resolve_several(texts: Sequence[Text], *, values: Values) -> str:
    """Return one document that holds all of several, with values in place of variables; raise as they are read."""
    read_several(texts, values=values)
    root = _merged(Objects("", here=_HERE), texts, values)
    assert root is not None  # noqa: S101 - the documents were read
    names = "".join(f"#   {each.source}\n" for each in texts)
    return f"# Merged by attune-infra from:\n{names}{serialize(root)}"


def _merged(document: Nodes, texts: Sequence[Text], values: Values) -> yaml.Node | None:
    """Return the root of all documents; None if one cannot be read."""
    parts = [Nodes(each.text, source=each.source) for each in texts]
    roots = [each.root() for each in parts]
    names = [declared_names(part, root) for part, root in zip(parts, roots, strict=True)]
    for part, root, declared in zip(parts, roots, names, strict=True):
        fill(part, root, {name: value for name, value in values.items() if name in declared})
        document.problems += part.problems
    document.problems += _unknown(texts[0], values, {name: None for declared in names for name in declared})
    readable = [root for root in roots if root is not None]
    if len(readable) < len(roots):
        return None
    document.settle()
    return merge(document, readable)


def _unknown(first: Text, values: Values, known: Mapping[str, None]) -> list[Problem]:
    """Return a problem for each given value whose variable no document declares."""
    declared = f"they declare {', '.join(known)}" if known else "none has a section `variables`"
    return [
        Problem(
            1,
            1,
            f"{given.origin}: no document has a variable '{name}'{guess(name, known)}; {declared}",
            source=first.source,
        )
        for name, given in values.items()
        if name not in known
    ]
