"""Types -> JSON Schema (2020-12). The schemas are closed: a key without a description is in no result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from inspect import getdoc
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    NotRequired,
    TypeAlias,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from attune_infra.contract.stamp import Stamp
from attune_infra.contract.table import FILES, TYPES
from attune_infra.contract.words import Format, OneOf
from attune_infra.links import PROJECT_URL

Schema: TypeAlias = "dict[str, Any]"

VERSION: Final = 1
"""The number in the names of all schemas: none was ever changed."""

_TYPES: Final = {bool: "boolean", int: "integer", float: "number", str: "string", NoneType: "null"}
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema_name(command: str) -> str:
    """Return the name of a command's schema, such as `attune-infra/verify/1`."""
    return f"attune-infra/{command}/{VERSION}"


def file_name(command: str) -> str:
    """Return the name of the file that holds a command's schema."""
    return f"{command}-{VERSION}.json"


def address(command: str) -> str:
    """Return the address of the file that holds a command's schema."""
    return f"{PROJECT_URL}/raw/main/schemas/{file_name(command)}"


def schema_of(command: str) -> Schema:
    """Return the schema of a command's JSON; `command` is a key of `TYPES`."""
    definitions: dict[str, Schema] = {}
    shapes = [_result(command, kind, definitions) for kind in TYPES[command]]
    found: Schema = {
        "$schema": _DIALECT,
        "$id": address(command),
        "title": schema_name(command),
    }
    found |= shapes[0] if len(shapes) == 1 else {"type": "object", "anyOf": shapes}
    if definitions:
        found["$defs"] = dict(sorted(definitions.items()))
    return found


def schema_text(command: str) -> str:
    """Return the text of a schema, as its file holds it."""
    return json.dumps(schema_of(command), indent=2, ensure_ascii=False) + "\n"


def _result(command: str, kind: type, definitions: dict[str, Schema]) -> Schema:
    """Return the schema of a result: the keys of every result, and those of its own."""
    own = _object(kind, definitions)
    stamp = own if command in FILES else _object(Stamp, definitions)
    properties = stamp["properties"] | own["properties"]
    properties["schema"] = {"const": schema_name(command), "description": properties["schema"]["description"]}
    required = dict.fromkeys([*stamp["required"], *own["required"]])
    return own | {"properties": properties, "required": list(required)}


def _object(kind: type, definitions: dict[str, Schema]) -> Schema:
    hints = get_type_hints(kind, include_extras=True)
    return {
        "description": getdoc(kind),
        "type": "object",
        "properties": {name: _of(_required(hint), definitions) for name, hint in hints.items()},
        "required": [name for name, hint in hints.items() if get_origin(hint) is not NotRequired],
        "additionalProperties": False,
    }


def _required(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is NotRequired else hint


def _of(hint: Any, definitions: dict[str, Schema]) -> Schema:
    """Return the schema of a type; those of objects go into `definitions`."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _of(arguments[0], definitions) | _told(hint.__metadata__)
    if origin in {Union, UnionType}:
        return _union([_of(each, definitions) for each in arguments])
    if origin is list:
        return {"type": "array", "items": _of(arguments[0], definitions)}
    if origin in {dict, Mapping}:
        values = _of(arguments[1], definitions)
        return {"type": "object", "additionalProperties": values or True}
    if hint is Any:
        return {}
    if is_typeddict(hint):
        if hint.__name__ not in definitions:
            definitions[hint.__name__] = _object(hint, definitions)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    if issubclass(hint, StrEnum):
        return {"type": "string", "enum": [each.value for each in hint]}
    return {"type": _TYPES[hint]}


def _union(shapes: list[Schema]) -> Schema:
    """Return a schema for one of several types."""
    if all(set(shape) == {"type"} for shape in shapes):
        return {"type": [shape["type"] for shape in shapes]}
    return {"anyOf": shapes}


def _told(metadata: tuple[Any, ...]) -> Schema:
    found: Schema = {}
    for each in metadata:
        match each:
            case str():
                found["description"] = each
            case OneOf(values):
                found["enum"] = [str(value) for value in values]
            case Format(name):
                found["format"] = name
    return found
