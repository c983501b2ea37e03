"""The policy in effect on an object, and the arguments that it provides.

Rules, tried on 3.10, 4.0 and 4.3: one policy applies, the one with the highest priority whose pattern matches the
name. A queue of a type that does not support one of its keys passes the whole policy over. RabbitMQ does not merge
policies with each other. It merges one operator policy on top, key by key: `facts.policies` has the keys.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from attune_infra.topology.facts.arguments import POLICY_RULES
from attune_infra.topology.facts.patterns import matches
from attune_infra.topology.facts.policies import merge_with_argument, merge_with_operator, unsupported_keys
from attune_infra.topology.facts.releases import NEWEST, Version
from attune_infra.topology.model import (
    Argument,
    Exchange,
    OperatorPolicy,
    Policy,
    Queue,
    Topology,
    freeze,
    kind_of,
)

PROVIDED_BY_POLICY: Mapping[str, str] = {
    rule.name: key for key, rule in POLICY_RULES.items() if not rule.read_once
}
"""Arguments that a policy can provide instead, and its key for each."""
_OPERATOR: Final = "operator_policy"


def policy_of(item: Exchange | Queue, topology: Topology) -> Policy | None:
    """Return the policy in effect on an object; of several with one priority, the broker may choose another.

    If the topology is that of a broker, the broker's word counts.
    """
    return _find_policy(item, "policy", topology.policies, topology)


def effective_definition(item: Exchange | Queue, topology: Topology) -> Mapping[str, Argument]:
    """Return the definition of the policy and the operator policy in effect, merged."""
    operator = (
        _find_policy(item, _OPERATOR, topology.operator_policies, topology) if isinstance(item, Queue) else None
    )
    return _merge(policy_of(item, topology), operator)


def _merge(regular: Policy | None, operator: Policy | None) -> Mapping[str, Argument]:
    merged: dict[str, Argument] = dict(regular.definition) if regular else {}
    if operator is not None:
        for key, value in operator.definition.items():
            merged[key] = merge_with_operator(key, merged[key], value) if key in merged else value
    return merged


def as_on_release(topology: Topology, version: Version) -> Topology:
    """Return a topology as on a release; what a broker said of its policies holds on its own release alone."""
    in_effect = topology.in_effect if version == topology.version else {}
    return replace(topology, version=version, in_effect=in_effect)


def with_policies(
    topology: Topology, policies: Mapping[str, Policy], operator_policies: Mapping[str, Policy] | None = None
) -> Topology:
    """Return a topology with other policies; if they are not its own, the broker's word on them counts no more."""
    operators = topology.operator_policies if operator_policies is None else operator_policies
    changed = {"policy": policies != topology.policies, _OPERATOR: operators != topology.operator_policies}
    if not any(changed.values()):
        return topology
    in_effect = {key: name for key, name in topology.in_effect.items() if not changed[key[0]]}
    return replace(topology, policies=policies, operator_policies=operators, in_effect=in_effect)


def stakes_key(policy: Policy) -> str:
    """Return the key of a policy among those of both kinds; no name holds NUL."""
    return f"operator\0{policy.name}" if isinstance(policy, OperatorPolicy) else policy.name


def policies_like(policy: Policy, topology: Topology) -> Mapping[str, Policy]:
    """Return the operator policies of a topology for an operator policy, else its policies."""
    return topology.operator_policies if isinstance(policy, OperatorPolicy) else topology.policies


def expires(queue: Queue, topology: Topology) -> bool:
    """Return whether RabbitMQ deletes an unused queue."""
    return "x-expires" in effective_arguments(queue, topology)


def counting_restarts_expiry(queue: Queue, topology: Topology) -> bool:
    """Return whether a passive declaration makes a queue last longer; for a quorum queue, it is no use."""
    return topology.type_of(queue) != "quorum" and expires(queue, topology)


def tells_consumers(queue: Queue, topology: Topology) -> bool:
    """Return whether a passive declaration tells the consumers of a queue without making it last longer.

    RabbitMQ answers 0 for a stream, whatever consumes it (seen on 3.10, 4.0 and 4.3). It answers late or never for
    a queue whose node is down (4.3), or refuses (3.10).
    """
    is_told = queue.works and topology.type_of(queue) != "stream"
    return is_told and not counting_restarts_expiry(queue, topology)


def effective_arguments(queue: Queue, topology: Topology) -> Mapping[str, Argument]:
    """Return the arguments of a queue with what policies provide, all under the names of arguments."""
    return _with_definition(queue, effective_definition(queue, topology), topology)


def possible_arguments(queue: Queue, topology: Topology) -> tuple[Mapping[str, Argument], ...]:
    """Return the arguments of a queue as `effective_arguments`, for each policy that may be in effect.

    There are several if policies of one priority match, and the broker does not say which of them is in effect.
    """
    return tuple(
        _with_definition(queue, _merge(regular, operator), topology)
        for regular in _possible(queue, "policy", topology.policies, topology)
        for operator in _possible(queue, _OPERATOR, topology.operator_policies, topology)
    )


def _with_definition(
    queue: Queue, definition: Mapping[str, Argument], topology: Topology
) -> Mapping[str, Argument]:
    found = dict(queue.arguments)
    kind, version = topology.type_of(queue), topology.version or NEWEST
    for key, value in definition.items():
        if key not in POLICY_RULES:
            continue
        name = POLICY_RULES[key].name
        mine = found.get(name)
        merged = merge_with_argument(name, mine, value, queue_type=kind, version=version)
        found[name] = value if mine is None else merged
    return found


def tied_policies(item: Exchange | Queue, topology: Topology) -> tuple[Policy, ...]:
    """Return the policies of one priority of which one is in effect, if only the broker knows which one.

    There are none if they would have the same effect, or if the broker says which one it is.
    """
    if ("policy", kind_of(item), item.name) in topology.in_effect:
        return ()
    chosen = policy_of(item, topology)
    found = applicable_policies(item, topology.policies, topology) if chosen else ()
    tied = sorted(
        (each for each in found if chosen and each.priority == chosen.priority), key=lambda each: each.name
    )
    differ = any(freeze(each.definition) != freeze(tied[0].definition) for each in tied)
    return tuple(tied) if differ else ()


def idle_policies(items: Iterable[Exchange | Queue], topology: Topology) -> Mapping[str, str]:
    """Return the names of the policies that are in effect on none of these objects, each with the reason."""
    items = tuple(items)
    idle = dict(topology.policies)
    for item in items:
        if not idle:  # which thousands of queues of workers usually show at the first
            break
        if policy := policy_of(item, topology):
            idle.pop(policy.name, None)
    return {policy.name: _why_idle(policy, items, topology) for policy in idle.values()}


def _why_idle(policy: Policy, items: Iterable[Exchange | Queue], topology: Topology) -> str:
    alone = {policy.name: policy}
    matching = [item for item in items if any(matching_policies(item, alone, topology))]
    if not matching:
        return "its pattern matches no name of the kind it applies to"
    rivals = [item for item in matching if any(applicable_policies(item, alone, topology))]
    if not rivals:
        return "each queue it matches passes it over, for a key that its type does not support"
    winner = policy_of(rivals[0], topology)
    return f"another policy wins on every object it matches, such as '{winner.name if winner else ''}'"


def _find_policy(
    item: Exchange | Queue, which: str, policies: Mapping[str, Policy], topology: Topology
) -> Policy | None:
    found = _possible(item, which, policies, topology)
    return max(found, key=lambda policy: policy.name if policy else "")


def _possible(
    item: Exchange | Queue, which: str, policies: Mapping[str, Policy], topology: Topology
) -> tuple[Policy | None, ...]:
    """Return the policies of which one is in effect, None for none; only one if the broker says which."""
    if not policies:
        return (None,)
    named = topology.in_effect.get((which, kind_of(item), item.name))
    if named is not None and item.name and (not named or named in policies):
        return (policies.get(named),)
    found = tuple(applicable_policies(item, policies, topology))
    highest = max((policy.priority for policy in found), default=0)
    return tuple(policy for policy in found if policy.priority == highest) or (None,)


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
