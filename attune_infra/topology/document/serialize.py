"""Nodes -> YAML, without aliases and comments."""

from __future__ import annotations

from typing import Final

import yaml

_TEXT: Final = "tag:yaml.org,2002:str"
_WIDTH: Final = 115


class _Dumper(yaml.SafeDumper):
    """A serializer that writes what aliases point to, and quotes a text that would be read as another value."""

    def anchor_node(self, node: yaml.Node) -> None:
        """Take no node for one that is written twice."""

    def serialize_node(self, node: yaml.Node, parent: yaml.Node | None, index: object) -> None:
        self.serialized_nodes.clear()
        self.anchors[node] = None
        if isinstance(node, yaml.ScalarNode) and node.tag != _TEXT:
            node.style = None  # a filled variable may have stood in quotes
        super().serialize_node(node, parent, index)


def serialize(root: yaml.Node) -> str:
    """Return the text of a document, in the order and the style of its nodes."""
    return str(yaml.serialize(root, Dumper=_Dumper, allow_unicode=True, width=_WIDTH))
