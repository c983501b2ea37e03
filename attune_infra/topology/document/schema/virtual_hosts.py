"""The part of the JSON Schema for the section `virtual_hosts`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attune_infra.topology.document.keys import WITHIN_VIRTUAL_HOST
from attune_infra.topology.facts.arguments import QUEUE_TYPES
from attune_infra.topology.facts.virtual_hosts import PROTECTION, TAG


def virtual_hosts_schema(sections: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of the section; `sections` has those of a document."""
    return {
        "type": ["object", "null"],
        "description": "Virtual hosts by name; all other sections then stand in the one that they are for."
        " `setup` makes those that are missing, and deletes none.",
        "propertyNames": {"minLength": 1},
        "additionalProperties": {
            "type": ["object", "null"],
            "additionalProperties": False,
            "properties": {**_settings_schema(), **{key: sections[key] for key in WITHIN_VIRTUAL_HOST}},
        },
    }


def _settings_schema() -> dict[str, Any]:
    return {
        "description": {"type": "string", "description": "Text for people."},
        "tags": {
            "type": ["array", "null"],
            "items": {"type": "string", "pattern": f"^{TAG}$"},
            "description": "Tags of the virtual host; those that are not listed are removed.",
        },
        "default_queue_type": {
            "enum": list(QUEUE_TYPES),
            "description": "Type of the queues that are declared without one; RabbitMQ 3.10 ignores it.",
        },
        PROTECTION: {
            "type": "boolean",
            "description": "True if RabbitMQ refuses to delete it; before 4.0.6, RabbitMQ has no such protection.",
        },
    }
