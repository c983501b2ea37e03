"""YAML of Kubernetes -> its resources: their kinds, names and fields, each field at its place.

A file may hold several documents, and lists of resources, as `kubectl get` prints them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

import yaml

from attune_infra.dataclass import dataclass
from attune_infra.topology.document.nodes import Entry
from attune_infra.topology.document.sections.objects import Objects

GROUP: Final = "rabbitmq.com"
_RESOURCE_KEYS: Final = ("apiVersion", "kind", "metadata", "spec", "status", "items", "data", "stringData")
_PLAIN_STYLES: Final = (None, "")
_TAG: Final = "tag:yaml.org,2002:"
_OTHER_IN_GO: Final = re.compile(
    r"[yYnN]|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?|0o[0-7]+"
)
"""Texts without quotes that Go's YAML and Python's take for values of different types."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource: what sentences call it, and the nodes of its fields."""

    kind: str
    group: str
    name: str
    node: yaml.Node
    members: Mapping[str, yaml.Node]

    @property
    def what(self) -> str:
        return f"{self.kind} '{self.name}'"


def read_resources(document: Objects) -> list[Resource]:
    """Return the resources of a text; what is none is a problem."""
    return [each for root in document.roots() for each in _resources(document, root)]


def _resources(document: Objects, node: yaml.Node) -> Iterator[Resource]:
    if isinstance(node, yaml.ScalarNode) and not node.value:
        return  # an empty document between two lines of dashes
    entries = document.entries(node, "a resource")
    members = {name: entry.value for name, entry in entries.items() if name in _RESOURCE_KEYS}
    kind = document.string(members.get("kind"), "")
    if not kind:
        document.problem(node, "a resource has no kind")
    elif kind.endswith("List") and "items" in members:
        for item in document.sequence(members["items"], "items"):
            yield from _resources(document, item)
    else:
        about = document.entries(members.get("metadata"), "metadata")
        group = document.string(members.get("apiVersion"), "").partition("/")[0]
        yield Resource(kind, group, _text(document, about, "name"), node, members)


def _text(document: Objects, entries: Mapping[str, Entry], key: str) -> str:
    return document.string(entries[key].value, "") if key in entries else ""


def check_plain_texts(document: Objects, node: yaml.Node) -> None:
    """Report each text without quotes that Kubernetes takes for another value than PyYAML does."""
    match node:
        case yaml.ScalarNode():
            if node.style in _PLAIN_STYLES and _OTHER_IN_GO.fullmatch(node.value) and _differs(node):
                document.problem(node, f"readers of YAML disagree about `{node.value}` without quotes; quote it")
        case yaml.SequenceNode():
            for item in node.value:
                check_plain_texts(document, item)
        case yaml.MappingNode():
            for key, value in node.value:
                check_plain_texts(document, key)
                check_plain_texts(document, value)


def _differs(node: yaml.ScalarNode) -> bool:
    """Return whether Python's type is not that of Go: a float with a point and an exponent is one to both."""
    return not (node.tag == f"{_TAG}float" and ":" not in node.value)
