"""The policy in effect on an object, and the arguments that it provides.

Rules, tried on 3.10, 4.0 and 4.3: one policy applies, the one with the highest priority whose pattern matches the
name. RabbitMQ does not merge policies with each other. It merges one operator policy on top, key by key; of two
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
"""Arguments that a policy can provide instead, and its key for each."""

_ARGUMENT_OF_KEY = {key: name for name, key in PROVIDED_BY_POLICY.items()}


def policy_of(item: Exchange | Queue, topology: Topology) -> Policy | None:
    """Return the policy in effect on an object; of several with one priority RabbitMQ may choose another."""
    return _find_policy(item, topology.policies, topology)


def effective_definition(item: Exchange | Queue, topology: Topology) -> Mapping[str, Argument]:
    """Return the definition of the policy and the operator policy in effect, merged."""
    regular = policy_of(item, topology)
    operator = _find_policy(item, topology.operator_policies, topology)
    merged: dict[str, Argument] = dict(regular.definition) if regular else {}
    if operator is None:
        return merged
    for key, value in operator.definition.items():
        mine = merged.get(key, value)
        both_numbers = isinstance(mine, int | float) and isinstance(value, int | float)
        merged[key] = min(mine, value) if both_numbers else value  # type: ignore[type-var] # both are numbers
    return merged


def expires(queue: Queue, topology: Topology) -> bool:
    """Return whether RabbitMQ deletes an unused queue; a passive declaration counts as use."""
    return "x-expires" in effective_arguments(queue, topology)


def effective_arguments(queue: Queue, topology: Topology) -> Mapping[str, Argument]:
    """Return the arguments of a queue with what policies provide, all under the names of arguments.

    Of two numbers the smaller counts; in all other cases the argument does.
    """
    found = dict(queue.arguments)
    for key, value in effective_definition(queue, topology).items():
        if (name := _ARGUMENT_OF_KEY.get(key)) is not None:
            found[name] = _combine(name, found.get(name), value)
    return found


def _combine(name: str, argument: Argument, provided: Argument) -> Argument:
    if argument is None:
        return provided
    if not (isinstance(argument, int) and isinstance(provided, int)):
        return argument
    if name == "x-delivery-limit" and min(argument, provided) < 0:
        return max(argument, provided)  # -1 is no limit, so the other number counts
    return min(argument, provided)


def _find_policy(item: Exchange | Queue, policies: Mapping[str, Policy], topology: Topology) -> Policy | None:
    found = applicable_policies(item, policies, topology) if policies else ()
    return max(found, key=lambda policy: (policy.priority, policy.name), default=None)


def applicable_policies(
    item: Exchange | Queue, policies: Mapping[str, Policy], topology: Topology
) -> Iterator[Policy]:
    """Return the policies that could be in effect on an object."""
    kinds = _apply_to_values(item, topology)
    return (policy for policy in policies.values() if policy.apply_to in kinds and matches_name(policy, item.name))


def _apply_to_values(item: Exchange | Queue, topology: Topology) -> Collection[str]:
    """Return the values of `apply_to` that cover an object."""
    if isinstance(item, Exchange):
        return {"all", "exchanges"}
    kind = topology.type_of(item)
    return {"all", "queues", "streams" if kind == "stream" else f"{kind}_queues"}


def matches_name(policy: Policy, name: str) -> bool:
    """Return whether the pattern of a policy matches a name, at any place in it."""
    return _compile(policy.pattern).search(name) is not None


@cache
def _compile(text: str) -> re.Pattern[str]:
    """Compile a pattern; one that only Erlang can compile matches nothing here."""
    try:
        return re.compile(text)
    except re.error:
        return re.compile(r"(?!)")
