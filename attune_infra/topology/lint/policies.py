"""Rules about policies: whom they reach, and whether they do anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from attune_infra.topology.facts.arguments import POLICY_RULES, QUEUE_ARGUMENTS
from attune_infra.topology.lint.finding import Flaw
from attune_infra.topology.lint.subject import Subject
from attune_infra.topology.model import Policy
from attune_infra.topology.policy import matches_name
from attune_infra.topology.routing.index import example_name
from attune_infra.topology.words import either

_STRANGER = "somebody-elses"
_PATTERN = "pattern"


def reaches_others(subject: Subject) -> Iterator[Flaw]:
    """A policy's pattern is found in names of others.

    The pattern is a regular expression that may be found anywhere in a name: without `^` at its beginning, `jobs`
    also applies to `other.jobs`. An empty pattern or `.*` applies to everything in the virtual host, also to what
    somebody else will put there.
    """
    own = [example_name(item) for item in subject.named if not isinstance(item, Policy)]
    for policy in subject.policies:
        if matches_name(policy, _STRANGER):
            what = f"its pattern '{policy.pattern}' is found in every name, also of what others put here"
            yield Flaw(policy, what, "begin the pattern with ^ and what your names begin with", _PATTERN)
            continue
        name = next((name for name in own if matches_name(policy, name)), None)
        if name is not None and matches_name(policy, f"{_STRANGER}.{name}"):
            what = f"its pattern '{policy.pattern}' is also found in names of others, such as '{_STRANGER}.{name}'"
            yield Flaw(policy, what, f"begin the pattern with ^: ^{policy.pattern}", _PATTERN)


def in_effect_nowhere(subject: Subject) -> Iterator[Flaw]:
    """A policy is in effect on nothing.

    Its pattern is found in no name of the kind it applies to; or on each object that it could apply to, another
    policy has a higher priority. Policies are not merged: one alone is in effect.
    """
    matched: set[str] = set()
    winners: set[str] = set()
    for policies in subject.contests.values():
        matched.update(policy.name for policy in policies)
        winners.add(policies[0].name)
    for policy in subject.policies:
        if policy.name not in matched:
            what = f"its pattern '{policy.pattern}' is found in no name of {_kind(policy)}"
            yield Flaw(policy, what, "correct the pattern, or remove the policy", _PATTERN)
        elif policy.name not in winners:
            what = "wherever it could apply, another policy has a higher priority: they are not merged"
            yield Flaw(policy, what, "put what it sets into the other policy as well", "priority")


def equal_priorities(subject: Subject) -> Iterator[Flaw]:
    """Two policies of one priority apply to one object.

    RabbitMQ does not say which of them is in effect; it may be another one after a restart.
    """
    told = set()
    for item, policies in subject.contests.items():
        first, *others = policies
        for other in others:
            pair = (first.name, other.name)
            if other.priority == first.priority and other.definition != first.definition and pair not in told:
                told.add(pair)
                what = f"it and policy '{other.name}' both apply to '{item[1]}' with priority {first.priority}"
                yield Flaw(first, what, "give one of them a higher priority", "priority")


def sets_what_is_ignored(subject: Subject) -> Iterator[Flaw]:
    """A policy sets what none of its queues can use.

    RabbitMQ takes any known key and applies it where the queue's type knows it: a delivery limit does nothing for
    a classic queue, a queue version nothing for a quorum queue. What a queue declares for itself has effect.
    """
    types: dict[str, set[str]] = defaultdict(set)
    for (kind, name), policies in subject.contests.items():
        if kind == "queue":
            types[policies[0].name].add(subject.topology.type_of(subject.topology.queues[name]))
    for policy in subject.policies:
        for key in policy.definition if types[policy.name] else ():
            rule = POLICY_RULES.get(key)
            if rule is None or rule.name not in QUEUE_ARGUMENTS or types[policy.name] & set(rule.queue_types):
                continue
            mine = either(tuple(sorted(types[policy.name])))
            what = f"{key} does nothing for the queues it applies to, all of them {mine}"
            yield Flaw(policy, what, f"leave it out; only {either(rule.queue_types)} queues have it", key)


def _kind(policy: Policy) -> str:
    return "an exchange or queue" if policy.apply_to == "all" else f"the {policy.apply_to.replace('_', ' ')}"
