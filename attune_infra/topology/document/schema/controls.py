"""The part of the JSON Schema for limits, permissions and topic permissions, with that for parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from attune_infra.topology.document.schema.parameters import parameter_schemas
from attune_infra.topology.document.schema.users import user_schemas
from attune_infra.topology.facts.arguments import HIGHEST
from attune_infra.topology.facts.controls import LIMITS, NO_LIMIT

_Schema: TypeAlias = dict[str, Any]

_FOR_NAMES: Final = {
    "configure": "Names of the exchanges and queues that the user may declare and delete.",
    "write": "Names of the exchanges to publish to, and of the destinations of bindings.",
    "read": "Names of the queues to consume, and of the sources of bindings.",
}
_FOR_KEYS: Final = {
    "write": "Routing keys that the user may publish with.",
    "read": "Routing keys that the user may bind with.",
}


def control_schemas() -> dict[str, _Schema]:
    """Return the JSON Schemas of the sections."""
    limit = {"type": "integer", "minimum": NO_LIMIT, "maximum": HIGHEST}
    return {
        **user_schemas(),
        "limits": {
            "type": ["object", "null"],
            "description": "Limits of the virtual host; -1 is none. They refuse what is new, and close nothing.",
            "additionalProperties": False,
            "properties": dict.fromkeys(LIMITS, limit),
        },
        "permissions": _by_name(
            "Permissions of each user in the virtual host, who must exist.", _patterns_schema(_FOR_NAMES)
        ),
        "topic_permissions": _by_name(
            "Topic permissions of each user, by exchange.",
            _by_name("Topic permissions of the user, by exchange.", _patterns_schema(_FOR_KEYS)),
        ),
        **parameter_schemas(),
    }


def _by_name(description: str, of: _Schema) -> _Schema:
    return {
        "type": ["object", "null"],
        "description": description,
        "propertyNames": {"minLength": 1},
        "additionalProperties": of,
    }


def _patterns_schema(about: Mapping[str, str]) -> _Schema:
    regex = {"type": "string", "format": "regex"}
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: {**regex, "description": text} for name, text in about.items()},
        "required": list(about),
    }
