"""The part of the JSON Schema for the arguments of objects, and the definitions of policies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeAlias

from attune_infra.durations import PATTERN
from attune_infra.topology.facts.arguments import HIGHEST, LOWEST, QUEUE_ARGUMENTS, Rule
from attune_infra.topology.facts.names import MAX_NAME_BYTES

_Schema: TypeAlias = dict[str, Any]

_TYPES: Final = {bool: "boolean", int: "integer", str: "string"}


def arguments_schema(rules: Iterable[Rule], *, by_policy_key: bool = False, strict: bool = True) -> _Schema:
    """Return the schema of arguments; without `strict` it only suggests the known values."""
    known = {
        str(rule.policy_key if by_policy_key else rule.name): _argument(rule, strict=strict) for rule in rules
    }
    needs: dict[str, list[str]] = {}
    if not by_policy_key:
        needs = {rule.name: [rule.needs] for rule in QUEUE_ARGUMENTS.values() if rule.needs}
    return {
        "type": ["object", "null"],
        "description": "Arguments; RabbitMQ stores unknown ones without using them.",
        **({} if by_policy_key else {"propertyNames": {"maxLength": MAX_NAME_BYTES}}),
        "properties": known,
        "dependentRequired": {name: needed for name, needed in needs.items() if name in known},
        "additionalProperties": {"$ref": "#/$defs/value"},
    }


def _argument(rule: Rule, *, strict: bool) -> _Schema:
    constraint: _Schema = {"type": _TYPES[rule.kind]}
    if rule.choices:
        constraint = {"enum": list(rule.choices)}
    if rule.kind is int:
        constraint["minimum"] = LOWEST if rule.minimum is None else rule.minimum
        constraint["maximum"] = HIGHEST if rule.maximum is None else rule.maximum
    if rule.is_time:
        constraint = {"anyOf": [constraint, {"type": "string", "pattern": f"^{PATTERN}$"}]}
    if rule.pattern:
        constraint["pattern"] = f"^{rule.pattern}$"
    if not strict:
        constraint = {"anyOf": [constraint, {"$ref": "#/$defs/value"}]}
    return {**constraint, "description": rule.about}
