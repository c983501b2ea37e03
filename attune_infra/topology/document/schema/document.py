"""The JSON Schema of topology documents, for editors: made from the constants that `parse` uses.

A schema cannot check everything. Only `parse` finds a binding whose exchange is not in the document, an invalid
regular expression, a misspelt argument, a name of too many bytes, and 1.0 in place of an integer. To a schema 1.0
is an integer, so integers of unknown arguments have no bounds here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias, cast

from attune_infra.topology.document.keys import (
    BINDING_KEYS,
    CONSUMER_TAG,
    DOCUMENT_KEYS,
    EXCHANGE_KEYS,
    EXTERNAL_KEYS,
    LINT_KEYS,
    POLICY_KEYS,
    PREDECLARED_EXCHANGE_KEYS,
    PUBLISH_KEYS,
    QUEUE_KEYS,
    ROUTE_KEYS,
    SECTION_OF_VIRTUAL_HOSTS,
    WORKERS_KEYS,
)
from attune_infra.topology.document.schema.arguments import arguments_schema
from attune_infra.topology.document.schema.controls import control_schemas
from attune_infra.topology.document.schema.suppressions import suppression_schema
from attune_infra.topology.document.schema.variables import variable_definitions, variables_schema, with_references
from attune_infra.topology.document.schema.virtual_hosts import virtual_hosts_schema
from attune_infra.topology.document.sections.demands import demands_schema, extends_schema
from attune_infra.topology.document.sections.super_streams import super_stream_schema
from attune_infra.topology.facts.arguments import (
    APPLY_TO,
    EXCHANGE_ARGUMENTS,
    HEADERS_BINDING_ARGUMENTS,
    HIGHEST,
    LOWEST,
    POLICY_RULES,
    QUEUE_ARGUMENTS,
    QUEUE_TYPES,
)
from attune_infra.topology.facts.exchanges import PREDECLARED_EXCHANGES
from attune_infra.topology.facts.names import MAX_NAME_BYTES
from attune_infra.topology.worker import PLACEHOLDER

_Schema: TypeAlias = dict[str, Any]

_NAME: Final = r"^(?!amq\.)(?!\.\.?$)[^\r\n\u0000]+$"
_WORKER_NAME: Final = r"^(?!.*\{worker_id\}.*\{worker_id\})(?!amq\.)[^\r\n\u0000]*\{worker_id\}[^\r\n\u0000]*$"
_STREAM_ARGUMENTS: Final = [rule for rule in QUEUE_ARGUMENTS.values() if "stream" in rule.queue_types]
_ONLY_DURABLE: Final = ("quorum", "stream")


def _flag(description: str, *, default: bool = False) -> _Schema:
    return {"type": "boolean", "default": default, "description": description}


_DURABLE: Final = _flag("If true, it survives a restart of the broker.", default=True)
_AUTO_DELETE: Final = _flag(
    "If true, RabbitMQ deletes a queue with its last consumer, an exchange with its last binding."
)
_EXTERNAL: Final = _flag("If true, it must exist and its owner declares it; here it has only a type and bindings.")
_BINDINGS: Final = {
    "type": ["array", "null"],
    "items": {"$ref": "#/$defs/binding"},
    "description": "Bindings from the exchanges that it gets messages from.",
}


def schema() -> _Schema:
    """Return the JSON Schema of a topology document."""
    return cast(_Schema, with_references(_without_references()))


def _without_references() -> _Schema:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "attune-infra topology",
        "description": "The wanted content of a RabbitMQ virtual host. Names and terms are RabbitMQ's.",
        "type": "object",
        **_keys(DOCUMENT_KEYS, _document()),
        "$defs": {
            "exchange": _exchange(),
            "predeclared_exchange": _predeclared_exchange(),
            "queue": _queue(),
            "super_stream": super_stream_schema(arguments_schema(_STREAM_ARGUMENTS)),
            "binding": _binding(),
            "policy": _policy(),
            "workers": _workers(),
            "route": _route(),
            "suppression": suppression_schema(),
            **variable_definitions(),
            "value": _value(),
        },
    }


def schema_text() -> str:
    """Return the JSON Schema as a file holds it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _document() -> _Schema:
    sections: _Schema = {
        "topology": {"type": "string", "description": "Name of this topology in messages."},
        "extends": extends_schema(),
        "variables": variables_schema(),
        **demands_schema(),
        "manages": {
            "type": ["array", "null"],
            "items": {"type": "string", "format": "regex"},
            "description": "Regular expressions for the names that this document manages: --prune deletes"
            " undeclared objects with such a name. '^jobs' matches names that begin with jobs; a pattern"
            " without '^' must match the whole name.",
        },
        "exchanges": _named(
            "exchange",
            "Exchanges by name; RabbitMQ's own, such as amq.topic, can have only bindings.",
            _NAME,
            own=PREDECLARED_EXCHANGES,
        ),
        "queues": _named("queue", "Queues by name.", _NAME),
        "super_streams": _named("super_stream", "Super streams by name.", _NAME),
        "policies": _named("policy", "Policies by name.", _NAME),
        "operator_policies": _named("policy", "Operator policies by name; an administrator sets them.", _NAME),
        **control_schemas(),
        "workers": {"$ref": "#/$defs/workers"},
        "lint": _lint(),
        "routes": {
            "type": ["array", "null"],
            "items": {"$ref": "#/$defs/route"},
            "description": "Tests: messages, and the queues they reach. `topology check` and `verify` run them.",
        },
    }
    return {**sections, SECTION_OF_VIRTUAL_HOSTS: virtual_hosts_schema(sections)}


def _exchange() -> _Schema:
    attributes: _Schema = {
        "type": {
            "type": "string",
            "minLength": 1,
            "default": "direct",
            "anyOf": [{"enum": ["direct", "topic", "fanout", "headers"]}, {}],
            "description": "direct, topic, fanout, headers, or the type of a plugin.",
        },
        "durable": _DURABLE,
        "auto_delete": _AUTO_DELETE,
        "internal": _flag("If true, only other exchanges can publish to it."),
        "arguments": arguments_schema(EXCHANGE_ARGUMENTS.values()),
        "bindings": _BINDINGS,
        "external": _EXTERNAL,
    }
    return {"type": ["object", "null"], **_keys(EXCHANGE_KEYS, attributes), **_only_external_keys()}


def _predeclared_exchange() -> _Schema:
    return {
        "type": ["object", "null"],
        "description": "An exchange that exists in every virtual host; a document can only bind it to others.",
        **_keys(PREDECLARED_EXCHANGE_KEYS, {"bindings": _BINDINGS}),
    }


def _queue() -> _Schema:
    attributes: _Schema = {
        "type": {
            "enum": list(QUEUE_TYPES),
            "description": "Type of the queue; without it, the default type of the virtual host, usually classic.",
        },
        "durable": _DURABLE,
        "auto_delete": _AUTO_DELETE,
        "arguments": arguments_schema(QUEUE_ARGUMENTS.values()),
        "bindings": _BINDINGS,
        "external": _EXTERNAL,
    }
    of_each_type = [{"if": _is_of(each), "then": _only(each)} for each in QUEUE_TYPES]
    return {
        "type": ["object", "null"],
        **_keys(QUEUE_KEYS, attributes),
        **_only_external_keys(),
        "allOf": of_each_type,
    }


def _only_external_keys() -> _Schema:
    return {"if": _has("external", {"const": True}), "then": {"propertyNames": {"enum": list(EXTERNAL_KEYS)}}}


def _is_of(queue_type: str) -> _Schema:
    """Return the schema that matches queues of a type, set by key, by argument or implied (only classic)."""
    cases = [_has("type", {"const": queue_type}), _has("arguments", _has("x-queue-type", {"const": queue_type}))]
    if queue_type == "classic":
        names_it = [_has("type", {}), _has("arguments", _has("x-queue-type", {}))]
        unlike_others = [_has("durable", {"const": False}), _has("auto_delete", {"const": True})]
        cases.append({"not": {"anyOf": names_it}, "anyOf": unlike_others})
    return {"anyOf": cases}


def _has(key: str, value: _Schema) -> _Schema:
    """Return the schema of an object that has a key with such a value."""
    return {"type": "object", "required": [key], "properties": {key: value}}


def _only(queue_type: str) -> _Schema:
    """Return the schema of the attributes and arguments that a queue of a type can have."""
    forbidden = [rule.name for rule in QUEUE_ARGUMENTS.values() if queue_type not in rule.queue_types]
    properties: _Schema = {
        "type": {"const": queue_type},
        "arguments": {"properties": {"x-queue-type": {"const": queue_type}, **dict.fromkeys(forbidden, False)}},
    }
    if queue_type in _ONLY_DURABLE:
        properties |= {"durable": {"const": True}, "auto_delete": {"const": False}}
    return {"properties": properties}


def _binding() -> _Schema:
    attributes: _Schema = {
        "exchange": {"type": "string", "minLength": 1, "description": "Exchange that it gets messages from."},
        "routing_key": {
            "type": "string",
            "default": "",
            "maxLength": MAX_NAME_BYTES,
            "description": "Routing key; for a topic exchange * matches one word, # any number of words.",
        },
        "arguments": {
            **arguments_schema(HEADERS_BINDING_ARGUMENTS.values(), strict=False),
            "description": "Headers that a headers exchange compares; {present: true} matches any value.",
        },
    }
    return {"type": "object", **_keys(BINDING_KEYS, attributes), "required": ["exchange"]}


def _policy() -> _Schema:
    attributes: _Schema = {
        "pattern": {
            "type": "string",
            "format": "regex",
            "description": "Regular expression; the policy applies to each name that contains a match.",
        },
        "definition": {
            **arguments_schema(POLICY_RULES.values(), by_policy_key=True),
            "type": "object",
            "minProperties": 1,
            "description": "Settings of the policy.",
        },
        "apply_to": {
            "enum": list(APPLY_TO),
            "default": "all",
            "description": "Kinds of objects that the policy applies to.",
        },
        "priority": {
            "type": "integer",
            "minimum": LOWEST,
            "maximum": HIGHEST,
            "default": 0,
            "description": "Priority; if several policies match, only the one with the highest priority applies.",
        },
    }
    return {"type": "object", **_keys(POLICY_KEYS, attributes), "required": ["pattern", "definition"]}


def _workers() -> _Schema:
    attributes: _Schema = {
        "consumer_tag": {
            "type": "string",
            "pattern": PLACEHOLDER.replace("{", r"\{").replace("}", r"\}"),
            "default": CONSUMER_TAG,
            "description": "Consumer tag of a worker.",
        },
        "queues": {
            **_named(
                "queue", f"Queues by name; {PLACEHOLDER} in a name stands for the worker's id.", _WORKER_NAME
            ),
            "type": "object",
            "minProperties": 1,
        },
    }
    return {
        "type": ["object", "null"],
        "description": f"Queues that each worker owns; {PLACEHOLDER} in names and routing keys stands for its id.",
        **_keys(WORKERS_KEYS, attributes),
        "required": ["queues"],
    }


def _route() -> _Schema:
    message: _Schema = {
        "exchange": {
            "type": "string",
            "description": "Exchange to publish to; amq.default is the default exchange.",
        },
        "routing_key": {
            "type": "string",
            "default": "",
            "maxLength": MAX_NAME_BYTES,
            "description": "Routing key of the message.",
        },
        "headers": {
            "type": ["object", "null"],
            "description": "Headers of the message; CC and BCC hold further routing keys.",
            "propertyNames": {"maxLength": MAX_NAME_BYTES},
            "additionalProperties": {"$ref": "#/$defs/value"},
        },
    }
    attributes: _Schema = {
        "publish": {
            "type": "object",
            "description": "The message to publish.",
            **_keys(PUBLISH_KEYS, message),
            "required": ["exchange"],
        },
        "reaches": {
            "type": "array",
            "items": {"type": "string"},
            "description": "All queues that the message reaches; [] if it reaches none. A worker whose queue is"
            " named takes part in the test.",
        },
    }
    return {"type": "object", **_keys(ROUTE_KEYS, attributes), "required": list(ROUTE_KEYS)}


def _lint() -> _Schema:
    ignore = {
        "type": ["array", "null"],
        "items": {"$ref": "#/$defs/suppression"},
        "description": "Rules to ignore, each with a reason.",
    }
    return {
        "type": ["object", "null"],
        "description": "Settings of attune-infra lint for this document.",
        **_keys(LINT_KEYS, {"ignore": ignore}),
    }


def _value() -> _Schema:
    inner = {"$ref": "#/$defs/value"}
    return {
        "description": "A value that RabbitMQ can store; it cannot store null.",
        "anyOf": [
            {"type": ["boolean", "string", "number"]},
            {"type": "array", "items": inner},
            {"type": "object", "additionalProperties": inner},
        ],
    }


def _keys(known: Iterable[str], attributes: Mapping[str, _Schema]) -> _Schema:
    """Return the part of a schema that allows exactly these keys; the attributes must have each of them."""
    return {"additionalProperties": False, "properties": {key: attributes[key] for key in known}}


def _named(kind: str, description: str, pattern: str, *, own: Iterable[str] = ()) -> _Schema:
    """Return the schema of a mapping from names to objects of a kind; `own` are names of RabbitMQ's own."""
    name: _Schema = {"pattern": pattern, "maxLength": MAX_NAME_BYTES}
    reserved = {each: {"$ref": f"#/$defs/predeclared_{kind}"} for each in sorted(own)}
    return {
        "type": ["object", "null"],
        "description": description,
        "propertyNames": {"anyOf": [{"enum": sorted(reserved)}, name]} if reserved else name,
        **({"properties": reserved} if reserved else {}),
        "additionalProperties": {"$ref": f"#/$defs/{kind}"},
    }
