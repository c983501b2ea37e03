"""Policies with every key, and a look at what a broker does with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from attune_infra.broker.http.management import Management
from attune_infra.errors import RequestRefused
from attune_infra.topology.facts.arguments import POLICY_RULES
from attune_infra.topology.facts.releases import FIRST_WITHOUT_MIRRORING, Version
from attune_infra.topology.model import Argument
from support.argument_cases import good
from support.eventually import eventually

Definition = Mapping[str, Argument]

KINDS: Final = {"policies": "policy", "operator-policies": "operator_policy"}
"""The collections of policies, and the attribute of a queue that names the policy of each in effect."""

_MIRRORING: Final[Mapping[str, Definition]] = {
    "ha-mode": {"ha-mode": "all"},
    "ha-params": {"ha-mode": "exactly", "ha-params": 1},
    "ha-sync-mode": {"ha-mode": "all", "ha-sync-mode": "automatic"},
    "ha-promote-on-shutdown": {"ha-mode": "all", "ha-promote-on-shutdown": "always"},
    "ha-promote-on-failure": {"ha-mode": "all", "ha-promote-on-failure": "always"},
}


def definitions(version: Version) -> Iterator[tuple[str, Definition]]:
    """Yield every key of policies in a definition that RabbitMQ accepts, if the release knows the key."""
    for key, rule in POLICY_RULES.items():
        yield (
            key,
            definition_of(key, cast("Argument", 50 if rule.kind is int and not rule.maximum else good(rule)[-1])),
        )
    if version < FIRST_WITHOUT_MIRRORING:
        yield from _MIRRORING.items()


def definition_of(key: str, value: Argument) -> Definition:
    """Return a definition with a key, and with what RabbitMQ demands beside it."""
    return {"delayed-retry-min": 5, key: value} if key == "delayed-retry-type" else {key: value}


def put_policy(
    management: Management,
    vhost: str,
    kind: str,
    name: str,
    definition: Definition,
    *,
    pattern: str,
    priority: int = 0,
    apply_to: str = "all",
) -> bool:
    """Set a policy; return false if the broker refuses it."""
    body = {"pattern": pattern, "definition": definition, "priority": priority, "apply-to": apply_to}
    try:
        management.put(kind, vhost, name, body=body)
    except RequestRefused:
        return False
    return True


def queues_with_policies(management: Management, vhost: str, *, attribute: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the queues by name, once the broker's statistics have this attribute of every one of them."""
    listing = eventually(
        lambda: management.get("queues", vhost),
        lambda queues: all(queue.get(attribute) for queue in queues),
        within=30,
    )
    return {queue["name"]: queue for queue in listing}
