"""The part of the JSON Schema about variables: their section, and `${name}` where another value would be wrong."""

from __future__ import annotations

from typing import Any, Final

from attune_infra.topology.document.keys import VARIABLE_KEYS, VARIABLE_NAME, VARIABLE_REFERENCE, VARIABLE_TYPES

_REFERENCE: Final = {"$ref": "#/$defs/reference"}
_OTHER_FORMS: Final = ("boolean", "integer", "number")
"""Types that `${name}` has not."""
_APART: Final = frozenset({"if", "propertyNames", "default", "variable", "value"})
"""Keys below which no value stands for a variable."""
_ABOUT: Final = ("default", "description")


def variables_schema() -> dict[str, Any]:
    return {
        "type": ["object", "null"],
        "description": "Variables by name: ${name} stands for the value of --set or --values, or for the default.",
        "propertyNames": {"pattern": f"^{VARIABLE_NAME}$"},
        "additionalProperties": {"$ref": "#/$defs/variable"},
    }


def variable_definitions() -> dict[str, Any]:
    """Return the definitions that the other parts of the schema refer to."""
    return {"variable": _variable(), "reference": _reference()}


def with_references(schema: Any) -> Any:
    """Return a schema in which `${name}` may stand in place of each number, flag and word of a list."""
    if isinstance(schema, list):
        return [with_references(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: value if key in _APART else with_references(value) for key, value in schema.items()}
    if "enum" not in found and "const" not in found and found.get("type") not in _OTHER_FORMS:
        return found
    about = {key: found.pop(key) for key in _ABOUT if key in found}
    return {"anyOf": [found, _REFERENCE], **about}


def _variable() -> dict[str, Any]:
    scalar = ["string", "integer", "number", "boolean"]
    keys = {
        "type": {
            "enum": list(VARIABLE_TYPES),
            "description": "Type of its values; without it, that of the default.",
        },
        "default": {"type": [*scalar, "null"], "description": "Value, unless one is given."},
        "description": {"type": "string", "description": "Meaning of the variable."},
    }
    whole = {"additionalProperties": False, "properties": {key: keys[key] for key in VARIABLE_KEYS}}
    return {
        "anyOf": [{"type": scalar}, {"type": ["object", "null"], **whole}],
        "description": "A variable, or its default.",
    }


def _reference() -> dict[str, Any]:
    return {"type": "string", "pattern": f"^{VARIABLE_REFERENCE}$", "description": "The value of a variable."}
