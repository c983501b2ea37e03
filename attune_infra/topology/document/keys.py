"""The keys that a topology document may have, and the forms of values that `parse` and the JSON Schema share."""

from __future__ import annotations

from typing import Final

from attune_infra.topology.worker import PLACEHOLDER

WITHIN_VIRTUAL_HOST: Final = (
    "manages", "exchanges", "queues", "super_streams", "policies", "operator_policies", "limits", "permissions",
    "topic_permissions", "federation_upstreams", "federation_upstream_sets", "shovels", "parameters", "workers",
    "routes", "lint",
)  # fmt: skip
"""The sections about the content of a virtual host."""
OF_BROKER: Final = ("manages_users", "users", "global_parameters")
"""Sections about the whole broker; their objects are part of the first virtual host, and made once."""
SECTION_OF_VIRTUAL_HOSTS: Final = "virtual_hosts"
DOCUMENT_KEYS: Final = (
    "topology", "extends", "variables", "expect_cluster", "protect", SECTION_OF_VIRTUAL_HOSTS,
    *WITHIN_VIRTUAL_HOST, *OF_BROKER,
)  # fmt: skip
VARIABLE_KEYS: Final = ("type", "default", "description")
EXCHANGE_KEYS: Final = ("type", "durable", "auto_delete", "internal", "arguments", "bindings", "external")
PREDECLARED_EXCHANGE_KEYS: Final = ("bindings",)
QUEUE_KEYS: Final = ("type", "durable", "auto_delete", "arguments", "bindings", "external")
EXTERNAL_KEYS: Final = ("type", "bindings", "external")
"""Keys of an exchange or queue that its owner declares elsewhere."""

BINDING_KEYS: Final = ("exchange", "routing_key", "arguments")
SUPER_STREAM_KEYS: Final = ("partitions", "keys", "arguments")
USER_KEYS: Final = ("tags", "password", "password_hash", "hashing_algorithm", "limits")
PERMISSION_KEYS: Final = ("configure", "write", "read")
TOPIC_PERMISSION_KEYS: Final = ("write", "read")
SECRET_KEYS: Final = ("env", "file", "command")
"""Places that a secret is read from; a reference names one."""

ENVIRONMENT_VARIABLE: Final = "[A-Za-z_][A-Za-z0-9_]*"
"""The form of an environment variable's name, as a regular expression."""

POLICY_KEYS: Final = ("pattern", "definition", "apply_to", "priority")
WORKERS_KEYS: Final = ("consumer_tag", "queues")
ROUTE_KEYS: Final = ("publish", "reaches")
PUBLISH_KEYS: Final = ("exchange", "routing_key", "headers")
LINT_KEYS: Final = ("ignore",)
SUPPRESSION_KEYS: Final = ("rule", "object", "reason")

RULE_CODE: Final = "AI[0-9]{3}"
"""The form of a lint rule's code, as a regular expression."""

VARIABLE_TYPES: Final = ("string", "integer", "number", "boolean")
VARIABLE_NAME: Final = "[A-Za-z_][A-Za-z0-9_-]*"
"""The form of a variable's name, as a regular expression."""
VARIABLE_REFERENCE: Final = rf"\$\{{{VARIABLE_NAME}\}}"

CONSUMER_TAG: Final = f"worker-{PLACEHOLDER}"
"""A worker's consumer tag if the document does not set one."""
