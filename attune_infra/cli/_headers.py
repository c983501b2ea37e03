"""Headers as they are typed: K=V, the value as in YAML, so that `5` is an integer and `"5"` a string."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from attune_infra.errors import WrongUsage

if TYPE_CHECKING:
    from attune_infra.topology.model import Argument


def read_headers(words: Iterable[str]) -> dict[str, Argument]:
    """Return headers by name; raise `WrongUsage` if a word is none, or one is given twice."""
    headers: dict[str, Argument] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not (name and equals):
            raise WrongUsage(f"'{word}' is no header", hint="a header is written name=value")
        if name in headers:
            raise WrongUsage(f"header {name} is given twice", hint="a message has each header once")
        headers[name] = _value(name, text)
    return headers


def _value(name: str, text: str) -> Argument:
    from attune_infra.topology.nodes import Nodes

    if not text:
        return ""
    nodes = Nodes(text)
    node = nodes.root()
    value = "" if node is None else nodes.argument(node, "it")
    if nodes.problems:
        raise WrongUsage(
            f"header {name}: {nodes.problems[0].what}",
            hint='values are written as in YAML: 5 is an integer, true a boolean, "5" a string, [a, b] an array',
        )
    return value
