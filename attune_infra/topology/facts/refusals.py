"""Refusals that are certain before a declaration is sent to one broker.

Only certain refusals are here. A release that was never tried is not judged by the tables: the broker decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.topology.facts import features
from attune_infra.topology.facts.argument_problems import queue_problems
from attune_infra.topology.facts.compatibility import judgements
from attune_infra.topology.facts.exchanges import find_exchange
from attune_infra.topology.facts.fact import Effect
from attune_infra.topology.facts.machinery import with_hidden
from attune_infra.topology.facts.parameters import parameter_refusal
from attune_infra.topology.facts.plugin_exchanges import binding_problem, lacks_type, plugin_hint
from attune_infra.topology.facts.policies import operator_policy_problem
from attune_infra.topology.facts.releases import NEWEST, OLDEST, Version
from attune_infra.topology.model import (
    Binding,
    Exchange,
    OperatorPolicy,
    Parameter,
    Permission,
    Queue,
    TopicPermission,
    Topology,
    TopologyObject,
)
from attune_infra.topology.words import counted


class RefusalCode(StrEnum):
    """The kind of a refusal that is foreseen."""

    EXCHANGE_TYPE = "exchange-type"
    """The broker lacks the type of an exchange; its plugin is not enabled."""
    INVALID = "invalid"
    """RabbitMQ accepts no such object in this virtual host, or from an exchange of this type."""
    RELEASE = "release"
    """The release of the broker refuses it; another release accepts it."""
    FEATURE_DENIED = "feature-denied"
    """The broker denies a deprecated feature."""
    QUEUE_LIMIT = "queue-limit"
    """The virtual host may not hold so many queues."""


@dataclass(frozen=True, slots=True)
class ForeseenRefusal:
    """The refusal of a wanted object; `feature` is the deprecated feature that the broker denies, if any."""

    object: TopologyObject
    code: RefusalCode
    reason: str
    hint: str
    feature: str | None = None


@dataclass(frozen=True, slots=True)
class Restrictions:
    """The configuration of a broker that makes it refuse objects, as far as it is known."""

    denied_features: frozenset[str] = frozenset()
    max_queues: int | None = None
    """The number of queues that the virtual host may hold."""


_FEATURES: Final = {
    "durable": features.TRANSIENT_QUEUES,
    "x-queue-master-locator": features.MASTER_LOCATOR,
    "queue-master-locator": features.MASTER_LOCATOR,
}
"""The deprecated feature of an attribute, an argument or a key; the configuration of a broker may permit it."""


def foresee_refusals(
    items: Iterable[TopologyObject], have: Topology, want: Topology, restrictions: Restrictions
) -> tuple[ForeseenRefusal, ...]:
    """Return the refusals of objects to declare, in their order; at most one for an object."""
    context = replace(
        want,
        exchanges={**have.exchanges, **want.exchanges},
        queues={**have.queues, **want.queues},
        default_queue_type=have.default_queue_type,
        version=have.version,
    )
    chosen = list(items)
    found = {item: refusal for item in chosen if (refusal := _refusal(item, have, context, restrictions))}
    queues = [item for item in chosen if isinstance(item, Queue) and item not in found]
    limit = _max_queues(want) if "max-queues" in want.limits else restrictions.max_queues
    found |= {refusal.object: refusal for refusal in _beyond_limit(queues, have, limit)}
    return tuple(found[item] for item in chosen if item in found)


def _refusal(
    item: TopologyObject, have: Topology, context: Topology, restrictions: Restrictions
) -> ForeseenRefusal | None:
    if isinstance(item, Exchange) and lacks_type(item, have):
        reason = f"the broker has no exchange type {item.type}"
        return ForeseenRefusal(item, RefusalCode.EXCHANGE_TYPE, reason, plugin_hint(item.type))
    if isinstance(item, Permission | TopicPermission) and _lacks_user(item.user, have, context):
        reason = f"the broker has no user '{item.user}', and the document declares none"
        return ForeseenRefusal(item, RefusalCode.INVALID, reason, "add it to `users`, or correct the name")
    if found := _invalidity(item, context):
        return ForeseenRefusal(item, RefusalCode.INVALID, *found)
    version = context.version
    if version is None or not OLDEST <= version <= NEWEST:
        return None
    return next(_by_release(item, context, version, restrictions), None)


def _lacks_user(name: str, have: Topology, want: Topology) -> bool:
    """Return whether there is no such user, if the users were read; a broker has at least one."""
    return bool(have.users) and all(name not in known for known in (have.users, want.users, want.users_elsewhere))


def _invalidity(item: TopologyObject, context: Topology) -> tuple[str, str] | None:
    """Return the reason for which no release accepts an object here, with a remedy."""
    match item:
        case Queue():
            typed = replace(item, type=context.type_of(item))
            problem = next((sentence for _, sentence in queue_problems(typed)), None)
            if problem is None:
                return None
            given = "" if item.type else f", which the virtual host makes of a queue without a type: {typed.type}"
            return f"{problem}{given}", "leave it out, or give the queue another type"
        case Binding():
            source = find_exchange(item.source, context.exchanges)
            return None if source is None else binding_problem(item, source, context)
        case Parameter():
            return parameter_refusal(item, context.version) if context.version else None
        case OperatorPolicy():
            return operator_policy_problem(item.definition, context.version)
        case _:
            return None


def _by_release(
    item: TopologyObject, context: Topology, version: Version, restrictions: Restrictions
) -> Iterator[ForeseenRefusal]:
    """Yield the refusals by a release; a deprecated feature counts only if the broker says that it denies it."""
    for found in judgements(item, context, version):
        feature = _FEATURES.get(found.about)
        if feature in restrictions.denied_features:
            error = features.denied(feature)
            hint = error.hint or found.remedy
            yield ForeseenRefusal(item, RefusalCode.FEATURE_DENIED, error.sentence, hint, feature)
        elif feature is None and found.effect is Effect.REFUSED:
            yield ForeseenRefusal(item, RefusalCode.RELEASE, found.what, found.remedy)


def _max_queues(want: Topology) -> int | None:
    """Return the wanted limit, which is set before any queue is declared; None for no limit."""
    value = want.limits["max-queues"].value
    return None if value < 0 else value


def _beyond_limit(queues: Sequence[Queue], have: Topology, limit: int | None) -> Iterator[ForeseenRefusal]:
    """Yield the refusals of the queues for which a virtual host has no room; those to recreate come last."""
    if limit is None:
        return
    existing = with_hidden(have).queues
    again = [queue for queue in queues if queue.name in existing]
    room = max(0, limit - (len(existing) - len(again)))
    for queue in [*(queue for queue in queues if queue.name not in existing), *again][room:]:
        reason = (
            f"virtual host '{have.name}' may hold {counted(limit, 'queue')} and holds {len(existing)};"
            " there is no room for this one"
        )
        hint = (
            "delete other queues, or have an administrator raise the limit:"
            f" rabbitmqctl set_vhost_limits -p '{have.name}' '{{\"max-queues\": NUMBER}}'"
        )
        yield ForeseenRefusal(queue, RefusalCode.QUEUE_LIMIT, reason, hint)
