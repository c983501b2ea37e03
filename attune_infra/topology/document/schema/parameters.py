"""The part of the JSON Schema for federation upstreams, sets of them, shovels, and other parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

from attune_infra.durations import PATTERN
from attune_infra.topology.document.schema.secrets import reference_schema
from attune_infra.topology.facts.arguments import HIGHEST, Rule
from attune_infra.topology.facts.parameters import (
    DELETE_AFTER,
    DELETE_AFTER_WORDS,
    OTHER_COMPONENTS,
    OWN_GLOBAL_PARAMETERS,
    SET_RULES,
    SHOVEL_RULES,
    UPSTREAM_RULES,
    URI_KEYS,
    URI_PATTERN,
)

_Schema: TypeAlias = dict[str, Any]

_TYPES: Final = {bool: "boolean", int: "integer", str: "string", dict: "object"}
_VALUE: Final = {"$ref": "#/$defs/value"}


def parameter_schemas() -> dict[str, _Schema]:
    """Return the JSON Schemas of the sections."""
    of_set = {"type": ["array", "null"], "items": _object(SET_RULES, (), required=["upstream"])}
    upstream = _object(UPSTREAM_RULES, URI_KEYS["federation-upstream"], required=["uri"])
    shovel = _object(SHOVEL_RULES, URI_KEYS["shovel"], required=list(URI_KEYS["shovel"]))
    return {
        "federation_upstreams": _named("Brokers that federation links to, by name.", upstream),
        "federation_upstream_sets": _named("Sets of federation upstreams, by name.", of_set),
        "shovels": _named("Dynamic shovels of the virtual host, by name.", shovel),
        "parameters": _named(
            "Other parameters of the virtual host, by component.",
            _named("Parameters of the component, by name.", _VALUE),
            but=sorted(OTHER_COMPONENTS),
        ),
        "global_parameters": _named(
            "Parameters of the whole broker, for all its virtual hosts, by name.",
            _VALUE,
            but=sorted(OWN_GLOBAL_PARAMETERS),
        ),
    }


def _named(description: str, of: _Schema, *, but: Iterable[str] = ()) -> _Schema:
    names = {"minLength": 1, "not": {"enum": list(but)}} if but else {"minLength": 1}
    return {
        "type": ["object", "null"],
        "description": description,
        "propertyNames": names,
        "additionalProperties": of,
    }


def _object(rules: Mapping[str, Rule], uris: Iterable[str], *, required: list[str]) -> _Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {**{key: _uris() for key in uris}, **{key: _of(rule) for key, rule in rules.items()}},
        "required": required,
    }


def _uris() -> _Schema:
    uri = {"anyOf": [{"type": "string", "pattern": f"^{URI_PATTERN}"}, reference_schema("URI")]}
    return {
        "description": "URI of a broker, or several to choose from; one with a password only by reference.",
        "anyOf": [*uri["anyOf"], {"type": "array", "minItems": 1, "items": uri}],
    }


def _of(rule: Rule) -> _Schema:
    number = {"type": "integer", "minimum": rule.minimum or 0, "maximum": HIGHEST}
    if rule.name in DELETE_AFTER:
        return {"description": rule.about, "anyOf": [{"enum": list(DELETE_AFTER_WORDS)}, number]}
    if rule.choices:
        return {"description": rule.about, "enum": list(rule.choices)}
    if rule.is_time:
        return {
            "description": rule.about,
            "anyOf": [number, {"type": "string", "pattern": f"^{PATTERN}$"}],
        }
    if rule.kind is int:
        return {"description": rule.about, **number}
    values = {"additionalProperties": _VALUE} if rule.kind is dict else {}
    return {"description": rule.about, "type": _TYPES[rule.kind], **values}
