"""Terraform's language -> plain values, with the parser of others, and its texts unescaped here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import hcl2

_ESCAPE = re.compile(r"\\(?:u([0-9a-f]{4})|U([0-9a-f]{8})|(.))")
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}


def parsed(text: str) -> dict[str, Any]:
    """Return what a text says; a text without quotes is an expression in `${}`."""
    options = hcl2.SerializationOptions(with_comments=False, explicit_blocks=False)
    found: dict[str, Any] = _plain(hcl2.loads(text, serialization_options=options))
    return found


def resources(text: str) -> dict[str, dict[str, Any]]:
    """Return the body of each resource, by its address."""
    found = list(_resources(parsed(text)))
    assert len(dict(found)) == len(found)
    return dict(found)


def _resources(whole: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for block in whole.get("resource", ()):
        for kind, named in block.items():
            for name, body in named.items():
                yield f"{kind}.{name}", body


def encoded(expression: str) -> dict[str, Any]:
    """Return the table inside `${jsonencode(...)}`."""
    inner = expression.removeprefix("${jsonencode(").removesuffix(")}")
    found: dict[str, Any] = parsed(f"x = {inner}")["x"]
    return found


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {_plain(name): _plain(item) for name, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case str() if value.startswith('"'):
            assert not re.search(r"[$%]\{", value)
            return _ESCAPE.sub(_unescaped, value[1:-1])
        case str() if re.fullmatch(r"\$\{-?[0-9.]+e[-+]?[0-9]+\}", value):
            return float(value[2:-1])
        case _:
            return value


def _unescaped(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    return chr(int(code, 16)) if code else _LETTERS[found[3]]
