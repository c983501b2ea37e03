"""The fields of the topology operator's resources that an export writes, as a JSON Schema in our own words.

The kinds, fields, types and choices are facts of the CRDs. No other field is allowed.
"""

from __future__ import annotations

from typing import Any, Final

_TEXT: Final = {"type": "string"}
_FLAG: Final = {"type": "boolean"}
_TABLE: Final = {"type": "object"}
_NUMBER: Final = {"type": "integer"}
_CONFIRMS: Final = {"enum": ["on-confirm", "on-publish", "no-ack"]}
_INT32: Final = {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}
_CLUSTER: Final = {
    "type": "object",
    "properties": {"name": _TEXT, "namespace": _TEXT},
    "required": ["name"],
    "additionalProperties": False,
}


def _object(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": sorted(required),
        "additionalProperties": False,
    }


def _policy(*apply_to: str) -> dict[str, Any]:
    return _object(
        {"name": _TEXT, "pattern": _TEXT, "definition": _TABLE},
        vhost=_TEXT,
        applyTo={"enum": list(apply_to)},
        priority={"type": "integer"},
    )


_TEXTS_OF_SHOVELS: Final = (
    *("ackMode", "deleteAfter", "srcAddress", "srcDeleteAfter", "srcExchange", "srcExchangeKey", "srcProtocol"),
    *("srcQueue", "destAddress", "destExchange", "destExchangeKey", "destProtocol", "destQueue"),
)
_TABLES_OF_SHOVELS: Final = (
    *("srcConsumerArgs", "srcQueueArgs", "destApplicationProperties", "destMessageAnnotations"),
    *("destProperties", "destPublishProperties", "destQueueArgs"),
)
_FLAGS_OF_SHOVELS: Final = ("addForwardHeaders", "destAddForwardHeaders", "destAddTimestampHeader")
_OF_QUEUES: Final = ("queues", "classic_queues", "quorum_queues", "streams")
_DECLARED: Final = {"vhost": _TEXT, "durable": _FLAG, "autoDelete": _FLAG, "arguments": _TABLE, "type": _TEXT}

SPECS: Final[dict[str, dict[str, Any]]] = {
    "Exchange": _object({"name": _TEXT}, **_DECLARED),
    "Queue": _object({"name": _TEXT}, **_DECLARED),
    "Binding": _object(
        {"source": _TEXT, "destination": _TEXT, "destinationType": {"enum": ["exchange", "queue"]}},
        vhost=_TEXT,
        routingKey=_TEXT,
        arguments=_TABLE,
    ),
    "Policy": _policy(*_OF_QUEUES, "exchanges", "all"),
    "OperatorPolicy": _policy(*_OF_QUEUES),
    "Permission": _object(
        {
            "vhost": _TEXT,
            "user": _TEXT,
            "permissions": _object({"configure": _TEXT, "write": _TEXT, "read": _TEXT}),
        }
    ),
    "TopicPermission": _object(
        {"vhost": _TEXT, "user": _TEXT, "permissions": _object({"exchange": _TEXT, "write": _TEXT, "read": _TEXT})}
    ),
    "Federation": _object(
        {"name": _TEXT, "uriSecret": _object({"name": _TEXT})},
        vhost=_TEXT,
        ackMode=_CONFIRMS,
        trustUserId=_FLAG,
        queueType={"enum": ["classic", "quorum"]},
        resourceCleanupMode={"enum": ["default", "never"]},
        exchange=_TEXT,
        queue=_TEXT,
        **dict.fromkeys(("expires", "maxHops", "messageTTL", "prefetch-count", "reconnectDelay"), _NUMBER),
    ),
    "Shovel": _object(
        {"name": _TEXT, "uriSecret": _object({"name": _TEXT})},
        vhost=_TEXT,
        **dict.fromkeys(_TEXTS_OF_SHOVELS, _TEXT),
        **dict.fromkeys(_TABLES_OF_SHOVELS, _TABLE),
        **dict.fromkeys(_FLAGS_OF_SHOVELS, _FLAG),
        **dict.fromkeys(("prefetchCount", "reconnectDelay", "srcPrefetchCount"), _NUMBER),
    ),
    "User": _object(
        {"importCredentialsSecret": _object({"name": _TEXT})},
        tags={"type": "array", "items": {"enum": ["management", "policymaker", "monitoring", "administrator"]}},
        limits=_object({}, connections=_INT32, channels=_INT32),
    ),
    "Vhost": _object(
        {"name": _TEXT},
        limits=_object({}, connections=_INT32, queues=_INT32),
        tags={"type": "array", "items": _TEXT},
        defaultQueueType={"enum": ["classic", "quorum", "stream"]},
    ),
    "SuperStream": _object(
        {"name": _TEXT}, vhost=_TEXT, partitions=_NUMBER, routingKeys={"type": "array", "items": _TEXT}
    ),
}
"""The spec of each kind, without the reference to the cluster."""


def schema_of(kind: str) -> dict[str, Any]:
    """Return the schema of a resource."""
    spec = SPECS[kind]
    return _object(
        {
            "apiVersion": {"const": f"rabbitmq.com/{'v1alpha1' if kind == 'SuperStream' else 'v1beta1'}"},
            "kind": {"const": kind},
            "metadata": _object(
                {
                    "name": {
                        "type": "string",
                        "maxLength": 253,
                        "pattern": r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
                    }
                }
            ),
            "spec": {
                **spec,
                "properties": {**spec["properties"], "rabbitmqClusterReference": _CLUSTER},
                "required": [*spec["required"], "rabbitmqClusterReference"],
            },
        }
    )
