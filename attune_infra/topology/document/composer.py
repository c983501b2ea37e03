"""YAML text -> nodes of PyYAML, without deep nesting, and with less work for each string."""

from __future__ import annotations

import io
from typing import Final

import yaml

MAX_DEPTH: Final = 50
"""Collections inside each other; a topology needs eight, and the C library crashes at some ten thousand."""

TOO_DEEP: Final = f"nested more than {MAX_DEPTH} levels deep"

Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

TAG: Final = "tag:yaml.org,2002:"
STRING: Final = f"{TAG}str"
MAPPING: Final = f"{TAG}map"
SEQUENCE: Final = f"{TAG}seq"

_FIRST_CHARACTERS: Final = frozenset(Loader.yaml_implicit_resolvers)
"""First characters of plain scalars that may be something else than a string."""

_LONGEST_WORD: Final = len("false")
"""Characters of the longest plain scalar that begins with a letter and is no string."""


class TooDeep(yaml.MarkedYAMLError):
    """A document with too many collections inside each other."""


class NamedText(io.StringIO):
    """A text whose name is in the place of each node."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text)
        self.name = name


class Composer(Loader):  # type: ignore[misc, valid-type] # the class depends on the machine
    """A loader that refuses deep nesting, and knows most strings by their first character and their length."""

    def __init__(self, text: str | NamedText) -> None:
        super().__init__(text)
        self.depth = 0

    def descend_resolver(self, parent: yaml.Node | None, _: object) -> None:
        """Note that a node begins; PyYAML names the collection that it is in, and its key or index."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.refuse_depth(parent)

    def refuse_depth(self, parent: yaml.Node | None) -> None:
        """Raise `TooDeep` if a node is too deep: a collection below all others, with anything in it."""
        if parent is not None and self.depth > MAX_DEPTH + 1:
            raise TooDeep(problem=TOO_DEEP, problem_mark=parent.start_mark)

    def ascend_resolver(self) -> None:
        """Note that a node ends."""
        self.depth -= 1

    def resolve(self, kind: type[yaml.Node], value: str, implicit: tuple[bool, bool]) -> str:
        """Return the tag of a node that names none."""
        if kind is not yaml.ScalarNode:
            return MAPPING if kind is yaml.MappingNode else SEQUENCE
        if implicit[0] and value and (value[0] not in _FIRST_CHARACTERS or _is_long_word(value)):
            return STRING
        return str(super().resolve(kind, value, implicit))


def _is_long_word(value: str) -> bool:
    return len(value) > _LONGEST_WORD and value[0].isalpha()
