"""Rules about policies: they may apply to too many objects, or have no effect."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from os.path import commonprefix

from attune_infra.topology.facts.arguments import POLICY_RULES, QUEUE_ARGUMENTS
from attune_infra.topology.facts.exchanges import PREDECLARED_EXCHANGES
from attune_infra.topology.facts.machinery import EXAMPLES
from attune_infra.topology.facts.patterns import escape
from attune_infra.topology.facts.policies import unsupported_keys
from attune_infra.topology.lint.finding import Flaw
from attune_infra.topology.lint.subject import Subject
from attune_infra.topology.model import Exchange, Policy, Queue
from attune_infra.topology.policy import matches_name, matching_policies
from attune_infra.topology.routing.index import example_name
from attune_infra.topology.words import either
from attune_infra.topology.worker import PLACEHOLDER

_OTHER_PREFIX = "somebody-elses"
_PATTERN = "pattern"
_MIN_PREFIX = 2
_MAX_NAMES = 5


def reaches_others(subject: Subject) -> Iterator[Flaw]:
    """The pattern of a policy also matches names of other applications.

    The pattern is a regular expression that may match anywhere in a name: without `^` at its beginning, `jobs`
    also applies to `other.jobs`. An empty pattern or `.*` applies to everything in the virtual host, also to
    objects that other applications add later.
    """
    for policy in subject.policies:
        if _reaches(policy, [_OTHER_PREFIX], subject):
            what = f"its pattern '{policy.pattern}' matches every name, also those of other applications"
            yield Flaw(policy, what, _anchor(policy, subject), _PATTERN)
        elif found := _reaches(policy, _names_of_others(subject), subject):
            what = f"its pattern '{policy.pattern}' also matches names of others, such as '{found[0]}'"
            yield Flaw(policy, what, _anchor(policy, subject), _PATTERN)


def _names_of_others(subject: Subject) -> list[str]:
    return [f"{_OTHER_PREFIX}.{example_name(item)}" for item in subject.named if not isinstance(item, Policy)]


def _reaches(policy: Policy, names: Iterable[str], subject: Subject) -> list[str]:
    return [name for name in names if matches_name(policy, name, subject.version)]


def _anchor(policy: Policy, subject: Subject) -> str:
    """Return the remedy: a pattern that matches the same names of this topology, and none of others."""
    own = {example_name(item): item for item in subject.named if not isinstance(item, Policy)}
    covered = _reaches(policy, own, subject)
    others = [_OTHER_PREFIX, *_names_of_others(subject)]
    for pattern in _anchored(policy.pattern, [own[name].name for name in covered]):
        better = replace(policy, pattern=pattern)
        if _reaches(better, own, subject) == covered and not _reaches(better, others, subject):
            return f"write the pattern as {pattern}"
    return "begin the pattern with ^ and the beginning of your names"


def _anchored(pattern: str, names: Sequence[str]) -> Iterator[str]:
    """Yield patterns that begin where a name does: the given one, the names' common beginning, or all of them."""
    if "|" not in pattern:
        yield f"^{pattern}"
    yield f"^(?:{pattern.removeprefix('^')})"
    yield f"^(?:{pattern})"
    prefix = commonprefix([name.partition(PLACEHOLDER)[0] for name in names])  # noqa: RUF071 # not paths
    if len(prefix) >= _MIN_PREFIX:
        yield f"^{escape(prefix)}"
    if 0 < len(names) <= _MAX_NAMES and not any(PLACEHOLDER in name for name in names):
        yield f"^(?:{'|'.join(map(escape, names))})$"


def in_effect_nowhere(subject: Subject) -> Iterator[Flaw]:
    """A policy is not in effect on any object.

    Its pattern matches no name of the kind it applies to, or another policy has a higher priority on every object
    that it matches, or no queue that it matches supports all of its keys. RabbitMQ does not merge policies: only
    one is in effect on an object. A policy for names that RabbitMQ or its plugins choose, such as `amq.gen-...`,
    is no finding, and neither is one in a topology without any object of the kind that it applies to.
    """
    matched: set[str] = set()
    winners: set[str] = set()
    for policies in subject.contests.values():
        matched.update(policy.name for policy in policies)
        winners.add(policies[0].name)
    for policy in subject.policies:
        if policy.name not in matched and policy.name in subject.passed_over:
            what = "each queue it matches passes it over, for a key that its type does not support"
            yield Flaw(policy, what, "remove the key, or make a policy for the queues of each type", "definition")
        elif policy.name not in matched:
            if _is_for_others(policy, subject):
                continue
            what = f"its pattern '{policy.pattern}' matches no name of {_kind(policy)}"
            yield Flaw(policy, what, "correct the pattern, or remove the policy", _PATTERN)
        elif policy.name not in winners:
            what = "another policy has a higher priority on every object it matches: they are not merged"
            yield Flaw(policy, what, "copy its definition into the other policy", "priority")


def _is_for_others(policy: Policy, subject: Subject) -> bool:
    """Return whether a policy can only be meant for objects that are not in a topology."""
    anywhere = {policy.name: replace(policy, pattern="")}
    items: list[Exchange | Queue] = [*subject.exchanges, *subject.queues]
    has_any = any(any(matching_policies(item, anywhere, subject.topology)) for item in items)
    return not has_any or bool(_reaches(policy, (*EXAMPLES, *PREDECLARED_EXCHANGES), subject))


def equal_priorities(subject: Subject) -> Iterator[Flaw]:
    """Two policies with the same priority apply to the same object.

    RabbitMQ does not define which of them is in effect; it may be the other one after a restart.
    """
    reported = set()
    for item, policies in subject.contests.items():
        first, *others = policies
        for other in others:
            pair = (first.name, other.name)
            if other.priority == first.priority and other.definition != first.definition and pair not in reported:
                reported.add(pair)
                what = f"it and policy '{other.name}' both apply to '{item[1]}' with priority {first.priority}"
                yield Flaw(first, what, "give one of them a higher priority", "priority")


def sets_what_is_ignored(subject: Subject) -> Iterator[Flaw]:
    """A policy sets a key that its queues do not support.

    RabbitMQ accepts any known key. A queue passes over a whole policy if its type does not support one of the
    keys: a delivery limit keeps a policy off every classic queue, and the policy with the next lower priority is
    in effect. A few keys, such as a queue version on a quorum queue, have no effect themselves, and the other keys
    of their policy have.
    """
    types: dict[str, set[str]] = defaultdict(set)
    for (kind, name), policies in subject.contests.items():
        if kind == "queue":
            types[policies[0].name].add(subject.topology.type_of(subject.topology.queues[name]))
    for policy in subject.policies:
        yield from _passed_over(policy, subject)
        if not types[policy.name]:
            continue
        for key in policy.definition:
            rule = POLICY_RULES.get(key)
            if rule is None or rule.name not in QUEUE_ARGUMENTS or types[policy.name] & set(rule.queue_types):
                continue
            mine = either(tuple(sorted(types[policy.name])))
            what = f"{key} has no effect on the queues it applies to, which are all {mine}"
            yield Flaw(policy, what, f"remove it; only {either(rule.queue_types)} queues have it", key)


def _passed_over(policy: Policy, subject: Subject) -> Iterator[Flaw]:
    for queue_type, name in sorted(subject.passed_over.get(policy.name, {}).items()):
        unsupported = unsupported_keys(queue_type, subject.version)
        for key in policy.definition:
            if key in unsupported:
                what = f"{key} keeps the whole policy off queue '{name}', which is {_of_type(queue_type)}"
                yield Flaw(policy, what, "remove it, or make a policy for the queues of each type", key)


def _of_type(queue_type: str) -> str:
    return "a stream" if queue_type == "stream" else queue_type


def _kind(policy: Policy) -> str:
    return "an exchange or queue" if policy.apply_to == "all" else f"the {policy.apply_to.replace('_', ' ')}"
