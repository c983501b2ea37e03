"""The part of the JSON Schema for users."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from attune_infra.topology.document.keys import USER_KEYS
from attune_infra.topology.document.schema.secrets import reference_schema
from attune_infra.topology.facts.arguments import HIGHEST
from attune_infra.topology.facts.controls import NO_LIMIT
from attune_infra.topology.facts.users import ALGORITHMS, KNOWN_TAGS, USER_LIMITS

_Schema: TypeAlias = dict[str, Any]

_ABOUT: Final = "Password; without one, that of the broker is left alone, and a new user gets none"


def user_schemas() -> dict[str, _Schema]:
    """Return the JSON Schemas of the sections `users` and `manages_users`."""
    return {
        "manages_users": {
            "type": ["array", "null"],
            "items": {"type": "string", "format": "regex"},
            "description": "Regular expressions for names of users, as in `manages`: --prune deletes undeclared"
            " users of the whole broker with such a name, but never those who run the command.",
        },
        "users": {
            "type": ["object", "null"],
            "description": "Users of the whole broker by name; an administrator sets them.",
            "propertyNames": {"minLength": 1},
            "additionalProperties": _user(),
        },
    }


def _user() -> _Schema:
    limit = {"type": "integer", "minimum": NO_LIMIT, "maximum": HIGHEST}
    attributes: _Schema = {
        "tags": {
            "type": ["array", "null"],
            "items": {"type": "string", "minLength": 1, "anyOf": [{"enum": sorted(KNOWN_TAGS)}, {}]},
            "uniqueItems": True,
            "description": "Tags; those of the management API, or any others.",
        },
        "password": {
            "anyOf": [{"const": "none", "description": "No password."}, reference_schema(_ABOUT)],
            "description": f"{_ABOUT}.",
        },
        "password_hash": {
            "type": "string",
            "minLength": 1,
            "description": "Salted hash of the password in base64, as the management API lists it.",
        },
        "hashing_algorithm": {
            "enum": list(ALGORITHMS),
            "default": ALGORITHMS[0],
            "description": "Algorithm of the hash.",
        },
        "limits": {
            "type": ["object", "null"],
            "additionalProperties": False,
            "properties": dict.fromkeys(USER_LIMITS, limit),
            "description": "Limits of the user on the whole broker; -1 is none.",
        },
    }
    return {
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {key: attributes[key] for key in USER_KEYS},
        "dependentRequired": {"hashing_algorithm": ["password_hash"]},
        "not": {"required": ["password", "password_hash"]},
    }
