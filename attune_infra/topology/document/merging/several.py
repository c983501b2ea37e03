"""Several documents, read as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import yaml

from attune_infra.errors import InvalidInput
from attune_infra.topology.document.merging.merge import merge
from attune_infra.topology.document.merging.overlay import Overlay, Read, Text, extended
from attune_infra.topology.document.nodes import Nodes
from attune_infra.topology.document.parse import read_root
from attune_infra.topology.document.places import Places
from attune_infra.topology.document.problems import InvalidDocument, Problem
from attune_infra.topology.document.reading import Reading
from attune_infra.topology.document.sections.objects import Objects
from attune_infra.topology.document.serialize import serialize
from attune_infra.topology.document.variables import Values, declared_names, fill
from attune_infra.topology.words import guess

_HERE: Final = "these documents"


def _no_base(name: str, source: str) -> Text:
    raise InvalidInput(f"{source} is not in a file, and {name} is named", hint="extend a document from a file")


def read_several(
    texts: Sequence[Text], *, values: Values, with_places: bool = False, read: Read = _no_base
) -> Reading:
    """Return the topology of several documents; raise `InvalidDocument` with the problems of all of them.

    Each has variables of its own; a value is given to all documents that declare its variable. `read` reads those
    that they extend.
    """
    places = Places()
    document = Objects("", places=places if with_places else None)
    if len(texts) > 1:
        document.here = _HERE
    root, _ = _merged(document, texts, values, read)
    topology = read_root(document, root) if root is not None else None
    if document.problems or topology is None:
        raise InvalidDocument(texts[0].source, document.problems)
    return Reading(texts[0].source, topology, places=places)


def resolve_several(texts: Sequence[Text], *, values: Values, read: Read = _no_base) -> str:
    """Return one document that holds all of several, with values in place of variables; raise as they are read.

    It begins with their names, and with the changes that overlays make.
    """
    read_several(texts, values=values, read=read)
    root, overlays = _merged(Objects(""), texts, values, read)
    assert root is not None  # noqa: S101 - the documents were read
    lines = [line for each in overlays for line in each.lines()]
    if len(texts) > 1:
        lines = ["Merged by attune-infra from:", *(f"  {each.source}" for each in texts), *lines]
    return "".join(f"# {line}\n" for line in lines) + serialize(root)


def _merged(
    document: Nodes, texts: Sequence[Text], values: Values, read: Read
) -> tuple[yaml.Node | None, list[Overlay]]:
    """Return the root of all documents, None if one cannot be read, and their overlays."""
    found = [extended(document, each, read) for each in texts]
    roots = [root for root, _ in found if root is not None]
    known: dict[str, None] = {}
    for root in roots:
        names = declared_names(document, root)
        fill(document, root, {name: value for name, value in values.items() if name in names})
        known |= dict.fromkeys(names)
    if len(roots) < len(texts):
        return None, []
    document.problems += _unknown(texts[0], values, known)
    document.settle()
    return merge(document, roots), [overlay for _, overlays in found for overlay in overlays]


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
