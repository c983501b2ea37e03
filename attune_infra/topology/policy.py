"""Which policy is in effect on an object, and what it provides.

Rules, tried on 3.10, 4.0 and 4.3: one policy applies, that of the highest priority whose pattern is found in the
name; policies are not merged with each other. One operator policy is merged on top, key by key, and of two
numbers the smaller counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

from attune_infra.topology.model import Argument, Exchange, Policy, Queue, Topology

PROVIDED_BY_POLICY: Mapping[str, str] = {
    "alternate-exchange": "alternate-exchange",
    "x-dead-letter-exchange": "dead-letter-exchange",
    "x-dead-letter-routing-key": "dead-letter-routing-key",
    "x-dead-letter-strategy": "dead-letter-strategy",
    "x-delivery-limit": "delivery-limit",
    "x-expires": "expires",
    "x-max-age": "max-age",
    "x-max-length": "max-length",
    "x-max-length-bytes": "max-length-bytes",
    "x-message-ttl": "message-ttl",
    "x-overflow": "overflow",
    "x-queue-leader-locator": "queue-leader-locator",
}
"""Arguments that a policy can provide instead, and the key it has for them."""


def policy_of(item: Exchange | Queue, topology: Topology) -> Policy | None:
    """Return the policy in effect on an object; of several with one priority, RabbitMQ may take another."""
    return _first(item, topology.policies.values())


def effective_definition(item: Exchange | Queue, topology: Topology) -> Mapping[str, Argument]:
    """Return what policy and operator policy together provide."""
    regular = policy_of(item, topology)
    operator = _first(item, topology.operator_policies.values())
    merged: dict[str, Argument] = dict(regular.definition) if regular else {}
    for key, value in operator.definition.items() if operator else ():
        mine = merged.get(key, value)
        both_numbers = isinstance(mine, int | float) and isinstance(value, int | float)
        merged[key] = min(mine, value) if both_numbers else value  # type: ignore[type-var] # both are numbers
    return merged


def expires(queue: Queue, topology: Topology) -> bool:
    """Return whether a queue is deleted when nobody uses it; a passive declaration counts as use."""
    return "x-expires" in queue.arguments or "expires" in effective_definition(queue, topology)


def _first(item: Exchange | Queue, policies: Iterable[Policy]) -> Policy | None:
    applicable = (policy for policy in policies if _applies(policy, item))
    return max(applicable, key=lambda policy: (policy.priority, policy.name), default=None)


def _applies(policy: Policy, item: Exchange | Queue) -> bool:
    if isinstance(item, Exchange):
        kinds = {"all", "exchanges"}
    else:
        kinds = {"all", "queues", "streams" if item.type == "stream" else f"{item.type}_queues"}
    return policy.apply_to in kinds and _pattern(policy.pattern).search(item.name) is not None


@cache
def _pattern(text: str) -> re.Pattern[str]:
    """Compile a pattern; one that only Erlang understands matches nothing here."""
    try:
        return re.compile(text)
    except re.error:
        return re.compile(r"(?!)")
