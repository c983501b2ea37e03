"""The policy in effect on an object, and the arguments that it provides.

Rules, tried on 3.10, 4.0 and 4.3: one policy applies, the one with the highest priority whose pattern matches the
name. A queue of a type that does not support one of its keys passes the whole policy over. RabbitMQ does not merge
policies with each other. It merges one operator policy on top, key by key: `facts.policies` has the keys.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from attune_infra.topology.facts.patterns import matches
from attune_infra.topology.facts.policies import merge_with_argument, merge_with_operator, unsupported_keys
from attune_infra.topology.facts.releases import NEWEST, Version
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
    merged: dict[str, Argument] = dict(regular.definition) if regular else {}
    operator = _find_policy(item, topology.operator_policies, topology) if isinstance(item, Queue) else None
    if operator is not None:
        for key, value in operator.definition.items():
            merged[key] = merge_with_operator(key, merged[key], value) if key in merged else value
    return merged


def expires(queue: Queue, topology: Topology) -> bool:
    """Return whether RabbitMQ deletes an unused queue; a passive declaration counts as use."""
    return "x-expires" in effective_arguments(queue, topology)


def effective_arguments(queue: Queue, topology: Topology) -> Mapping[str, Argument]:
    """Return the arguments of a queue with what policies provide, all under the names of arguments."""
    found = dict(queue.arguments)
    kind, version = topology.type_of(queue), topology.version or NEWEST
    for key, value in effective_definition(queue, topology).items():
        name = _ARGUMENT_OF_KEY.get(key)
        if name is None:
            continue
        mine = found.get(name)
        merged = merge_with_argument(name, mine, value, queue_type=kind, version=version)
        found[name] = value if mine is None else merged
    return found


def _find_policy(item: Exchange | Queue, policies: Mapping[str, Policy], topology: Topology) -> Policy | None:
    found = applicable_policies(item, policies, topology) if policies else ()
    return max(found, key=lambda policy: (policy.priority, policy.name), default=None)


def applicable_policies(
    item: Exchange | Queue, policies: Mapping[str, Policy], topology: Topology
) -> Iterator[Policy]:
    """Return the policies that could be in effect on an object."""
    if isinstance(item, Exchange):
        return matching_policies(item, policies, topology)
    unsupported = unsupported_keys(topology.type_of(item), topology.version or NEWEST)
    found = matching_policies(item, policies, topology)
    return (policy for policy in found if unsupported.isdisjoint(policy.definition))


def matching_policies(
    item: Exchange | Queue, policies: Mapping[str, Policy], topology: Topology
) -> Iterator[Policy]:
    """Return the policies for objects of this kind and name, also those with a key that its type does not support.

    No policy applies to the default exchange.
    """
    if not item.name:
        return iter(())
    kinds, version = _apply_to_values(item, topology), topology.version
    return (
        policy
        for policy in policies.values()
        if policy.apply_to in kinds and matches_name(policy, item.name, version)
    )


def _apply_to_values(item: Exchange | Queue, topology: Topology) -> Collection[str]:
    """Return the values of `apply_to` that cover an object."""
    if isinstance(item, Exchange):
        return {"all", "exchanges"}
    kind = topology.type_of(item)
    return {"all", "queues", "streams" if kind == "stream" else f"{kind}_queues"}


def matches_name(policy: Policy, name: str, version: Version | None) -> bool:
    """Return whether the pattern of a policy matches a name, at any place in it."""
    return matches(policy.pattern, name, version or NEWEST)
