"""Messages and queues that changes of policies put at stake.

The changes are followed one by one, in the order in which they are made, since each state between the first and
the last is in effect for a moment. A change that can lose something is made only with consent, and there may be
consent to any of them. So from there on, the states with and without it are both followed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, product
from typing import TYPE_CHECKING, Final, TypeAlias

from attune_infra.dataclass import dataclass
from attune_infra.topology.diff import Create, Delete, Update
from attune_infra.topology.facts.arguments import QUEUE_ARGUMENTS, keeps_dead_letters
from attune_infra.topology.facts.exchanges import find_exchange
from attune_infra.topology.facts.releases import NEWEST
from attune_infra.topology.facts.stakes import Harm, Threat, threats
from attune_infra.topology.model import (
    ABSENT,
    Argument,
    Arguments,
    Message,
    OperatorPolicy,
    Policy,
    Queue,
    Topology,
    freeze,
)
from attune_infra.topology.policy import (
    applicable_policies,
    policies_like,
    possible_arguments,
    stakes_key,
    with_policies,
)

if TYPE_CHECKING:
    from attune_infra.topology.routing.route import Routing

Contents: TypeAlias = "tuple[int | None, int | None]"
"""The numbers of messages and consumers of a queue; None for a number that is unknown."""

PolicyChange: TypeAlias = Create | Update | Delete

_DLX, _KEY, _STRATEGY = "x-dead-letter-exchange", "x-dead-letter-routing-key", "x-dead-letter-strategy"
_MAX_STATES: Final = 64
"""States of a queue to follow; each change that may or may not be made doubles them."""
_UNLIKELY_KEYS: Final = ("", "\x01.\x01.\x01.\x01.\x01.\x01.\x01")
"""Routing keys that only a binding for all keys matches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stake:
    """A queue that can lose something by the change of a policy.

    `messages` is an upper bound of the messages that it holds now and can lose, None for an unknown number. If it
    `expires`, RabbitMQ may delete the queue too.
    """

    queue: str
    threats: tuple[Threat, ...]
    messages: int | None
    expires: bool = False


Stakes: TypeAlias = Mapping[str, tuple[Stake, ...]]
"""The stakes of changes by the `stakes_key` of their policies; a harmless change is left out."""


@dataclass(frozen=True, slots=True)
class _State:
    """A virtual host between two changes."""

    topology: Topology
    routing: Routing

    def after(self, change: PolicyChange) -> _State:
        item = _policy(change)
        policies = {name: each for name, each in policies_like(item, self.topology).items() if name != item.name}
        if not isinstance(change, Delete):
            policies[item.name] = item
        if isinstance(item, OperatorPolicy):
            return replace(self, topology=with_policies(self.topology, self.topology.policies, policies))
        return replace(self, topology=with_policies(self.topology, policies))


def stakes_of(
    changes: Iterable[object], have: Topology, want: Topology, held: Mapping[str, Contents] | None = None
) -> Stakes:
    """Return the stakes of the changes to policies among all changes, in the order in which they are made.

    `held` has upper bounds of the contents of queues; those of a queue that is missing there are unknown.
    """
    chosen = [each for each in changes if isinstance(each, Create | Update | Delete) and _is_of_policy(each)]
    if not chosen:
        return {}
    if not (groups := _groups(chosen, have)):
        return {}
    from attune_infra.topology.routing.route import Routing  # rarely needed

    start = _State(have, Routing(_settled(changes, have, want), version=have.version or NEWEST))
    courses = [_Course(group, [start]) for group in groups]
    found: dict[str, tuple[Stake, ...]] = {}
    for change in chosen:
        touched = [course for course in courses if course.is_touched_by(change)]
        stakes = [stake for course in touched for stake in course.stakes(change, held or {})]
        for course in touched:
            course.follow(change, is_certain=not (stakes or isinstance(change, Delete)))
        if stakes:
            found[stakes_key(_policy(change))] = tuple(sorted(stakes, key=lambda stake: stake.queue))
    return found


def most_messages(stakes: Iterable[Stake]) -> int | None:
    """Return an upper bound of all messages at stake; a queue may be at stake more than once."""
    by_queue: dict[str, int] = {}
    for stake in stakes:
        if stake.messages is None:
            return None
        by_queue[stake.queue] = max(stake.messages, by_queue.get(stake.queue, 0))
    return sum(by_queue.values())


def expiring_queues(stakes: Iterable[Stake]) -> int:
    """Return the number of queues that RabbitMQ may delete."""
    return len({stake.queue for stake in stakes if stake.expires})


def _is_of_policy(change: PolicyChange) -> bool:
    return isinstance(change.have if isinstance(change, Delete) else change.want, Policy)


def _policy(change: PolicyChange) -> Policy:
    item = change.have if isinstance(change, Delete) else change.want
    assert isinstance(item, Policy)  # noqa: S101 # `_is_of_policy` chose it
    return item


def _settled(changes: Iterable[object], have: Topology, want: Topology) -> Topology:
    """Return the exchanges, queues and bindings after all changes; an external object must be there already."""
    gone = {each.have for each in changes if isinstance(each, Delete)}
    exchanges = {name: each for name, each in want.exchanges.items() if not each.external}
    queues = {name: each for name, each in want.queues.items() if not each.external}
    return replace(
        have,
        exchanges={**{name: each for name, each in have.exchanges.items() if each not in gone}, **exchanges},
        queues={**{name: each for name, each in have.queues.items() if each not in gone}, **queues},
        bindings=(have.bindings | want.bindings) - gone,
    )


def _groups(changes: Iterable[PolicyChange], have: Topology) -> Sequence[Sequence[Queue]]:
    """Return all queues, in groups of those to which the same policies apply in the same way."""
    wanted = [each.want for each in changes if not isinstance(each, Delete) and isinstance(each.want, Policy)]
    policies = (*have.policies.values(), *have.operator_policies.values(), *wanted)
    by_number = {str(number): policy for number, policy in enumerate(policies)}
    groups: dict[object, list[Queue]] = defaultdict(list)
    for queue in chain(have.queues.values(), have.hidden.queues.values() if have.hidden else ()):
        applying = tuple(map(id, applicable_policies(queue, by_number, have)))
        if applying:
            named = (have.in_effect.get((which, "queue", queue.name)) for which in ("policy", "operator_policy"))
            key = (applying, *named, have.type_of(queue), freeze(dict(queue.arguments)))
            groups[key].append(queue)
    return tuple(groups.values())


@dataclass(slots=True)
class _Course:
    """Queues to which the same policies apply, and the states that they may be in; too many states are unknown."""

    queues: Sequence[Queue]
    states: list[_State]
    is_unknown: bool = False

    def is_touched_by(self, change: PolicyChange) -> bool:
        before = self.states[0]
        item, states = _policy(change), (before, before.after(change))
        versions = [policies_like(item, each.topology).get(item.name) for each in states]
        return any(policy and _applies(policy, self.queues[0], before.topology) for policy in versions)

    def follow(self, change: PolicyChange, *, is_certain: bool) -> None:
        after = [state.after(change) for state in self.states]
        self.states = after if is_certain else [*after, *self.states]
        if len(self.states) > _MAX_STATES:
            self.states, self.is_unknown = self.states[:1], True

    def stakes(self, change: PolicyChange, held: Mapping[str, Contents]) -> Iterator[Stake]:
        """Yield the stakes of a change that touches these queues."""
        queue, found = self.queues[0], dict[str, Threat]()
        is_known = not self.is_unknown
        for before in self.states:
            after, settings = before.after(change), possible_arguments(queue, before.topology)
            is_known = is_known and not any(_keeps(queue, mine, before) for mine in settings)
            for mine, wanted in product(settings, possible_arguments(queue, after.topology)):
                for threat in _threats(queue, mine, wanted, before, after):
                    found[threat.setting] = _worse(threat, found.get(threat.setting))
        for each in self.queues if found or self.is_unknown else ():
            messages, consumers = held.get(each.name, (None, None))
            stake = _stake(each, found.values(), messages if is_known else None, consumers)
            if stake is not None:
                yield stake
            elif self.is_unknown:
                yield Stake(queue=each.name, threats=(), messages=None)


def _worse(threat: Threat, other: Threat | None) -> Threat:
    """Return the one of two threats by a setting that leaves fewer messages."""
    return other if other and (other.limit or 0) <= (threat.limit or 0) else threat


def _applies(policy: Policy, queue: Queue, topology: Topology) -> bool:
    return any(applicable_policies(queue, {policy.name: policy}, topology))


def _keeps(queue: Queue, arguments: Arguments, state: _State) -> bool:
    """Return whether a queue may hold dead letters, which RabbitMQ does not count."""
    return keeps_dead_letters(state.topology.type_of(queue), arguments) and _DLX in arguments


def _threats(queue: Queue, have: Arguments, want: Arguments, before: _State, after: _State) -> Iterator[Threat]:
    queue_type = before.topology.type_of(queue)
    yield from threats(queue_type, have, want, before.topology.version or NEWEST)
    if queue_type not in QUEUE_ARGUMENTS[_DLX].queue_types or not _saves(queue, have, before):
        return
    for setting in _settings_of_lost_dead_letters(queue, have, want, after):
        mine, wanted = have.get(setting, ABSENT), want.get(setting, ABSENT)
        yield Threat(setting=setting, harm=Harm.MESSAGES, have=mine, want=wanted)


def _saves(queue: Queue, arguments: Arguments, state: _State) -> bool:
    """Return whether dead letters of a queue may reach another one now."""
    target = arguments.get(_DLX)
    exists = isinstance(target, str) and find_exchange(target, state.topology.exchanges) is not None
    return exists or _keeps(queue, arguments, state)


def _settings_of_lost_dead_letters(queue: Queue, have: Arguments, want: Arguments, after: _State) -> Iterator[str]:
    """Yield the setting by which dead letters that were not lost may be."""
    target, key = want.get(_DLX), want.get(_KEY)
    if target != have.get(_DLX):
        if not _leads_to_a_queue(target, key, after.routing):
            yield _DLX
    elif key != have.get(_KEY) and not _leads_to_a_queue(target, key, after.routing):
        yield _KEY
    if _keeps(queue, have, after) and not _keeps(queue, want, after):
        yield _STRATEGY


def _leads_to_a_queue(target: Argument, key: Argument, routing: Routing) -> bool:
    """Return whether every dead letter is certain to reach a queue; without a key each has one of its own."""
    if not isinstance(target, str) or routing.exchange(target) is None:
        return False
    keys = (key,) if isinstance(key, str) else _UNLIKELY_KEYS
    return all(routing.route(Message(exchange=target, routing_key=each)).queues for each in keys)


def _stake(queue: Queue, found: Iterable[Threat], messages: int | None, consumers: int | None) -> Stake | None:
    """Return the stake of a queue with these contents; None if nothing can be lost.

    RabbitMQ deletes an auto-delete queue with its last consumer, and until then an expiry changes nothing.
    """
    lasts = queue.auto_delete and bool(consumers)
    dangers = tuple(each for each in found if not (each.harm is Harm.QUEUE and lasts))
    expires = any(each.harm is Harm.QUEUE for each in dangers)
    limits: Sequence[int] = [each.limit or 0 if each.harm is Harm.BEYOND else 0 for each in dangers]
    if not limits:
        return None
    lost = None if messages is None else max(0, messages - min(limits))
    if lost == 0 and not expires:
        return None
    return Stake(queue=queue.name, threats=dangers, messages=lost, expires=expires)
