"""The shape of a JSON Schema: the type of each key, to compare two releases of a schema.

To record the shapes of a release: PYTHONPATH=tests .venv/bin/python -m support.shapes
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from attune_infra.contract.schema import schema_name, schema_of
from attune_infra.contract.table import TYPES

RELEASED: Final = Path(__file__).parents[1] / "contract/released.json"
"""The shapes of the last release."""


class Key(NamedTuple):
    """A key: its types, its values if they are known, and True if it is always there."""

    types: list[str]
    values: list[str]
    required: bool


def shape_of(schema: Mapping[str, Any]) -> dict[str, Key]:
    """Return each key of a schema by its path, such as `checks[].code`; results that differ have a number."""
    results = schema.get("anyOf", [schema])
    found: dict[str, Key] = {}
    for number, result in enumerate(results):
        found |= _keys(result, schema.get("$defs", {}), f"{number}:" if len(results) > 1 else "")
    return found


def _keys(shape: Mapping[str, Any], definitions: Mapping[str, Any], path: str) -> dict[str, Key]:
    found: dict[str, Key] = {}
    for name, own in shape.get("properties", {}).items():
        types: list[str] = []
        values: list[str] = []
        below: dict[str, Key] = {}
        for end, each in _resolved(own, definitions):
            types.append(f"{each.get('type', 'any')}{end}")
            values += each.get("enum", [])
            below |= _keys(each, definitions, f"{path}{name}{end}.")
        found[f"{path}{name}"] = Key(sorted(types), sorted(values), name in shape["required"])
        found |= below
    return found


def _resolved(shape: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each schema that a key may have, arrays as their items with `[]`."""
    if "$ref" in shape:
        yield "", definitions[shape["$ref"].rpartition("/")[2]]
    elif "anyOf" in shape:
        for each in shape["anyOf"]:
            yield from _resolved(each, definitions)
    elif isinstance(shape.get("type"), list):
        for each in shape["type"]:
            yield "", {**shape, "type": each}
    elif shape.get("type") == "array":
        yield from ((f"[]{end}", each) for end, each in _resolved(shape["items"], definitions))
    else:
        yield "", {"type": "string", **shape} if "const" in shape else shape


def breaks(old: Mapping[str, Key], new: Mapping[str, Key]) -> Iterator[str]:
    """Yield a sentence for each change that breaks a reader; a new key and a new value break none."""
    for path, was in old.items():
        if path not in new:
            yield f"{path} is gone"
            continue
        now = new[path]
        if surplus := sorted(set(now.types) - set(was.types)):
            yield f"{path} may now be {' or '.join(surplus)}"
        if was.required and not now.required:
            yield f"{path} may now be absent"
        if was.values and (lacking := sorted(set(was.values) - set(now.values))):
            yield f"{path} has no longer the values {', '.join(lacking)}"


def current() -> dict[str, dict[str, Key]]:
    """Return the shape of each schema by its name."""
    return {schema_name(command): shape_of(schema_of(command)) for command in TYPES}


def released() -> dict[str, dict[str, Key]]:
    """Return the shapes of the last release."""
    held = json.loads(RELEASED.read_text(encoding="utf-8"))
    return {name: {path: Key(*key) for path, key in shape.items()} for name, shape in held.items()}


def main() -> None:
    lines = (
        f"  {json.dumps(name)}: {{\n"
        + ",\n".join(f"    {json.dumps(path)}: {json.dumps(list(key))}" for path, key in shape.items())
        + "\n  }"
        for name, shape in current().items()
    )
    RELEASED.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
