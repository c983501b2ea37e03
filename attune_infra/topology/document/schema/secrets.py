"""The JSON Schema of a reference to a secret. It stands apart from the parser, which loads YAML."""

from __future__ import annotations

from typing import Any

from attune_infra.topology.document.keys import ENVIRONMENT_VARIABLE, SECRET_KEYS


def reference_schema(what: str) -> dict[str, Any]:
    """Return the schema of a reference to a secret, such as `Password`."""
    text = {"type": "string", "minLength": 1}
    keys = {
        "env": {
            "type": "string",
            "pattern": f"^{ENVIRONMENT_VARIABLE}$",
            "description": "Environment variable that holds it.",
        },
        "file": {**text, "description": "File that holds it in its first line."},
        "command": {
            "type": "array",
            "minItems": 1,
            "prefixItems": [text],
            "items": {"type": "string"},
            "description": "Program and arguments, run without a shell; its first line is the secret.",
        },
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {key: keys[key] for key in SECRET_KEYS},
        "minProperties": 1,
        "maxProperties": 1,
        "description": f"{what}, by reference; never the secret itself.",
    }
