"""Plain values -> YAML that both PyYAML and the YAML of Go read alike.

PyYAML takes `y` and `1e3` for strings, Go takes them for a boolean and a number. So a string has no quotes only if
it is a word that no reader takes for anything else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

import yaml

from attune_infra.topology.model import Argument

_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_NO_STRINGS: Final = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity"}


def block(values: Mapping[str, Argument], indent: str = "") -> Iterator[str]:
    """Yield the lines of a mapping; an inner mapping has lines of its own, a list stands on one line."""
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield f"{indent}{scalar(key)}:"
            yield from block(value, f"{indent}  ")
        else:
            yield f"{indent}{scalar(key)}: {_flow(value)}"


def scalar(text: str) -> str:
    """Return a string as each reader of YAML reads it back."""
    if _WORD.fullmatch(text) and text.lower() not in _NO_STRINGS:
        return text
    return '"' + "".join(_escape(character) for character in text) + '"'


def _escape(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")


def _flow(value: Argument) -> str:
    match value:
        case str():
            return scalar(value)
        case dict():
            return "{" + ", ".join(f"{scalar(key)}: {_flow(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_flow, value)) + "]"
        case float():
            return yaml.safe_dump(value).partition("\n")[0]
        case _:
            return json.dumps(value)
