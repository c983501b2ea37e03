"""Which policy is in effect on an object, and what it provides.

Rules, tried on 3.10, 4.0 and 4.3: one policy applies, that of the highest priority whose pattern is found in the
name; policies are not merged with each other. One operator policy is merged on top, key by key, and of two
numbers the smaller counts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
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

_PROVIDED = {key: name for name, key in PROVIDED_BY_POLICY.items()}


def policy_of(item: Exchange | Queue, topology: Topology) -> Policy | None:
    """Return the policy in effect on an object; of several with one priority, RabbitMQ may take another."""
    return _first(item, topology.policies, topology)


def effective_definition(item: Exchange | Queue, topology: Topology) -> Mapping[str, Argument]:
    """Return what policy and operator policy together provide."""
    regular = policy_of(item, topology)
    operator = _first(item, topology.operator_policies, topology)
    merged: dict[str, Argument] = dict(regular.definition) if regular else {}
    for key, value in operator.definition.items() if operator else ():
        mine = merged.get(key, value)
        both_numbers = isinstance(mine, int | float) and isinstance(value, int | float)
        merged[key] = min(mine, value) if both_numbers else value  # type: ignore[type-var] # both are numbers
    return merged


def expires(queue: Queue, topology: Topology) -> bool:
    """Return whether a queue is deleted when nobody uses it; a passive declaration counts as use."""
    return "x-expires" in effective_arguments(queue, topology)


def effective_arguments(queue: Queue, topology: Topology) -> Mapping[str, Argument]:
    """Return what arguments and policies together make of a queue, in the names of arguments.

    Of two numbers the smaller counts, otherwise the argument does.
    """
    found = dict(queue.arguments)
    for key, value in effective_definition(queue, topology).items():
        if (name := _PROVIDED.get(key)) is not None:
            found[name] = _of_both(name, found.get(name), value)
    return found


def _of_both(name: str, argument: Argument, provided: Argument) -> Argument:
    if argument is None:
        return provided
    if not (isinstance(argument, int) and isinstance(provided, int)):
        return argument
    if name == "x-delivery-limit" and min(argument, provided) < 0:
        return max(argument, provided)  # -1 is no limit, so the other one is
    return min(argument, provided)


def _first(item: Exchange | Queue, policies: Mapping[str, Policy], topology: Topology) -> Policy | None:
    found = applicable(item, policies, topology) if policies else ()
    return max(found, key=lambda policy: (policy.priority, policy.name), default=None)


def applicable(item: Exchange | Queue, policies: Mapping[str, Policy], topology: Topology) -> Iterator[Policy]:
    """Yield those of the policies that could be in effect on an object."""
    kinds = _kinds(item, topology)
    return (policy for policy in policies.values() if policy.apply_to in kinds and is_found(policy, item.name))


def _kinds(item: Exchange | Queue, topology: Topology) -> Collection[str]:
    """Return what a policy may be applied to for this object to be among it."""
    if isinstance(item, Exchange):
        return {"all", "exchanges"}
    kind = topology.type_of(item)
    return {"all", "queues", "streams" if kind == "stream" else f"{kind}_queues"}


def is_found(policy: Policy, name: str) -> bool:
    """Return whether a policy's pattern is found in a name."""
    return _pattern(policy.pattern).search(name) is not None


@cache
def _pattern(text: str) -> re.Pattern[str]:
    """Compile a pattern; one that only Erlang understands matches nothing here."""
    try:
        return re.compile(text)
    except re.error:
        return re.compile(r"(?!)")
