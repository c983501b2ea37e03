"""The JSON Schema of a suppression. It stands apart from their parser, which loads YAML."""

from __future__ import annotations

from typing import Any

from attune_infra.topology.document.keys import RULE_CODE


def suppression_schema() -> dict[str, Any]:
    attributes = {
        "rule": {"type": "string", "pattern": f"^{RULE_CODE}$", "description": "Code of the rule."},
        "object": {
            "type": "string",
            "description": "Only object to ignore the rule for: its kind and name (queue jobs), or its name.",
        },
        "reason": {"type": "string", "pattern": r"\S", "description": "Reason to ignore the rule."},
    }
    return {
        "type": "object",
        "properties": attributes,
        "additionalProperties": False,
        "required": ["rule", "reason"],
    }
