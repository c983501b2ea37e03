"""Differences between releases: one table of what some of them refuse, ignore or deprecate.

Tried on 3.10, 4.0 and 4.3 (4.3.6, with its default configuration). Facts about releases between these are from the
sources and release notes of RabbitMQ. For what every release refuses, see `argument_problems`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.topology.facts.arguments import QUEUE_TYPES
from attune_infra.topology.facts.exchanges import find_exchange
from attune_infra.topology.facts.fact import Effect, Fact
from attune_infra.topology.facts.plugin_exchanges import JMS_TOPIC, SELECTOR, plugin_hint
from attune_infra.topology.facts.releases import (
    FIRST_DEPRECATING_MASTER_LOCATOR,
    FIRST_DEPRECATING_TRANSIENT_QUEUES,
    FIRST_WITH_ARGUMENTS_OF_ONE_TYPE,
    FIRST_WITH_CLASSIC_LEADER_LOCATOR,
    FIRST_WITH_CONSUMER_TIMEOUT,
    FIRST_WITH_DEFAULT_DELIVERY_LIMIT,
    FIRST_WITH_DELAYED_RETRY,
    FIRST_WITH_DISCONNECTED_TIMEOUT,
    FIRST_WITH_FEWER_HASHES,
    FIRST_WITH_LOCAL_RANDOM_EXCHANGES,
    FIRST_WITH_POLICIES_BY_QUEUE_TYPE,
    FIRST_WITH_STREAM_FILTERS,
    FIRST_WITH_STRICT_SELECTORS,
    FIRST_WITH_TARGET_GROUP_SIZE,
    FIRST_WITHOUT_MASTER_LOCATOR,
    FIRST_WITHOUT_MIRRORING,
    FIRST_WITHOUT_QUEUE_MODE,
    FIRST_WITHOUT_QUEUE_VERSION_1,
    Version,
    version_text,
)
from attune_infra.topology.model import Argument, Binding, Exchange, Policy, Queue, Topology, TopologyObject
from attune_infra.topology.words import either

RELEASES: Final[tuple[Version, ...]] = ((3, 10), (3, 13), (4, 0), (4, 1), (4, 2), (4, 3))
"""The releases that the table is right about; for any other, see `nearest_release`."""

MAX_HASHES: Final = 2
"""Words `#` that a topic key may have since RabbitMQ 4.3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The reaction of a release to a part of an object: `about` is an attribute, an argument or a key."""

    about: str
    effect: Effect
    what: str
    remedy: str


_LEAVE_OUT: Final = "leave it out"
_LEAVE_OUT_OR_UPGRADE: Final = "leave it out, or upgrade the broker first"
_LOCATOR_IS_DENIED: Final = "the deprecated feature queue_master_locator is denied by default"
_LOCATOR_INSTEAD: Final = "give x-queue-leader-locator: client-local or balanced"
_LAZY_ANYWAY: Final = f"classic queues keep messages on disk anyway since {version_text(FIRST_WITHOUT_QUEUE_MODE)}"
_UNLIMITED_SINCE: Final = (
    f"a negative number stands for no limit since {version_text(FIRST_WITH_DEFAULT_DELIVERY_LIMIT)}"
)
_NO_MIRRORS: Final = f"mirrored classic queues were removed in {version_text(FIRST_WITHOUT_MIRRORING)}"
_REFUSED, _IGNORED, _DEPRECATED = Effect.REFUSED, Effect.IGNORED, Effect.DEPRECATED
_VERBS: Final = {
    Effect.REFUSED: "refuses",
    Effect.MISREAD: "misreads",
    Effect.IGNORED: "ignores",
    Effect.DEPRECATED: "deprecates",
}
_QUORUM, _NOT_QUORUM = ("quorum",), ("classic", "stream")
_DELAYED_RETRY: Final = ("x-delayed-retry-type", "x-delayed-retry-min", "x-delayed-retry-max")
_MIRRORING: Final = (
    "ha-mode",
    "ha-params",
    "ha-sync-mode",
    "ha-sync-batch-size",
    "ha-promote-on-shutdown",
    "ha-promote-on-failure",
)


def _known_since(version: Version) -> str:
    return f"RabbitMQ knows it since {version_text(version)}"


def _by_name(*facts: Fact) -> Mapping[str, tuple[Fact, ...]]:
    return {name: tuple(fact for fact in facts if fact.name == name) for name in {fact.name for fact in facts}}


ARGUMENT_FACTS: Final = _by_name(
    *(
        Fact(
            name=name,
            effect=_REFUSED,
            since=FIRST_WITH_ARGUMENTS_OF_ONE_TYPE,
            queue_types=_NOT_QUORUM,
            why="only quorum queues have it",
            remedy=_LEAVE_OUT,
        )
        for name in (*_DELAYED_RETRY, "x-consumer-timeout", "x-consumer-disconnected-timeout")
    ),
    *(
        Fact(
            name=name,
            effect=_IGNORED,
            until=first,
            why=_known_since(first),
            remedy=_LEAVE_OUT_OR_UPGRADE,
        )
        for name, first in (
            *((name, FIRST_WITH_DELAYED_RETRY) for name in _DELAYED_RETRY),
            ("x-consumer-disconnected-timeout", FIRST_WITH_DISCONNECTED_TIMEOUT),
        )
    ),
    Fact(
        name="x-consumer-timeout",
        effect=_IGNORED,
        until=FIRST_WITH_CONSUMER_TIMEOUT,
        why=_known_since(FIRST_WITH_CONSUMER_TIMEOUT),
        remedy="set consumer_timeout in rabbitmq.conf, or upgrade the broker first",
    ),
    Fact(
        name="x-quorum-target-group-size",
        effect=_IGNORED,
        until=FIRST_WITH_TARGET_GROUP_SIZE,
        why=_known_since(FIRST_WITH_TARGET_GROUP_SIZE),
        remedy="give x-quorum-initial-group-size",
    ),
    Fact(
        name="x-delivery-limit",
        effect=Effect.MISREAD,
        until=FIRST_WITH_DEFAULT_DELIVERY_LIMIT,
        queue_types=_QUORUM,
        below=0,
        why=f"{_UNLIMITED_SINCE}; before, a message leaves the queue after its first failed delivery",
        remedy="leave it out: before, there is no limit by default",
    ),
    Fact(
        name="x-queue-leader-locator",
        effect=_REFUSED,
        until=FIRST_WITH_CLASSIC_LEADER_LOCATOR,
        queue_types=("classic",),
        why=f"classic queues have it since {version_text(FIRST_WITH_CLASSIC_LEADER_LOCATOR)}",
        remedy=_LEAVE_OUT_OR_UPGRADE,
    ),
    Fact(
        name="x-queue-master-locator",
        effect=_REFUSED,
        since=FIRST_WITHOUT_MASTER_LOCATOR,
        why=_LOCATOR_IS_DENIED,
        remedy=_LOCATOR_INSTEAD,
    ),
    Fact(
        name="x-queue-master-locator",
        effect=_DEPRECATED,
        since=FIRST_DEPRECATING_MASTER_LOCATOR,
        until=FIRST_WITHOUT_MASTER_LOCATOR,
        why=f"{version_text(FIRST_WITHOUT_MASTER_LOCATOR)} refuses it",
        remedy=_LOCATOR_INSTEAD,
    ),
    Fact(
        name="x-queue-mode",
        effect=_IGNORED,
        since=FIRST_WITHOUT_QUEUE_MODE,
        why=_LAZY_ANYWAY,
        remedy=_LEAVE_OUT,
    ),
    Fact(
        name="x-queue-version",
        effect=_REFUSED,
        since=FIRST_WITHOUT_QUEUE_VERSION_1,
        values=(1,),
        why="version 1 was removed",
        remedy="leave it out: 2 is the default",
    ),
    Fact(
        name="x-stream-filter-size-bytes",
        effect=_REFUSED,
        since=FIRST_WITH_ARGUMENTS_OF_ONE_TYPE,
        queue_types=("classic", "quorum"),
        why="only streams have it",
        remedy=_LEAVE_OUT,
    ),
    Fact(
        name="x-stream-filter-size-bytes",
        effect=_IGNORED,
        until=FIRST_WITH_STREAM_FILTERS,
        why=_known_since(FIRST_WITH_STREAM_FILTERS),
        remedy=_LEAVE_OUT,
    ),
    *(
        Fact(
            name=name,
            effect=_IGNORED,
            why="queues are not mirrored by arguments since 3.0",
            remedy="leave it out; make the queue a quorum queue if it must survive the loss of a node",
        )
        for name in ("x-ha-policy", "x-ha-policy-params", "x-ha-nodes")
    ),
    *(
        Fact(
            name=name,
            effect=_IGNORED,
            queue_types=_QUORUM,
            why="quorum queues keep no messages in memory since 3.10",
            remedy="give x-max-length or x-max-length-bytes to bound the queue",
        )
        for name in ("x-max-in-memory-length", "x-max-in-memory-bytes")
    ),
)

POLICY_FACTS: Final = _by_name(
    *(
        Fact(
            name=name,
            effect=_REFUSED,
            until=first,
            why=_known_since(first),
            remedy=_LEAVE_OUT_OR_UPGRADE,
        )
        for name, first in (
            ("delayed-retry-type", FIRST_WITH_DELAYED_RETRY),
            ("delayed-retry-min", FIRST_WITH_DELAYED_RETRY),
            ("delayed-retry-max", FIRST_WITH_DELAYED_RETRY),
            ("consumer-disconnected-timeout", FIRST_WITH_DISCONNECTED_TIMEOUT),
            ("target-group-size", FIRST_WITH_TARGET_GROUP_SIZE),
            ("stream-filter-size-bytes", FIRST_WITH_STREAM_FILTERS),
            ("consumer-timeout", FIRST_WITH_CONSUMER_TIMEOUT),
        )
    ),
    *(
        Fact(
            name=name,
            effect=_REFUSED,
            since=FIRST_WITH_DELAYED_RETRY,
            values=(0,),
            why="an argument may be 0, but not this key of a policy",
            remedy="leave it out, or give at least one millisecond",
        )
        for name in ("delayed-retry-min", "delayed-retry-max")
    ),
    Fact(
        name="delivery-limit",
        effect=_REFUSED,
        until=FIRST_WITH_DEFAULT_DELIVERY_LIMIT,
        below=0,
        why=_UNLIMITED_SINCE,
        remedy="leave it out: before, there is no limit by default",
    ),
    *(
        Fact(
            name=name,
            effect=_REFUSED,
            since=FIRST_WITHOUT_MIRRORING,
            why=_NO_MIRRORS,
            remedy="leave it out; make the queue a quorum queue if it must survive the loss of a node",
        )
        for name in _MIRRORING
    ),
    *(
        Fact(
            name=name,
            effect=_DEPRECATED,
            until=FIRST_WITHOUT_MIRRORING,
            why=_NO_MIRRORS,
            remedy="make the queue a quorum queue before the broker is upgraded",
        )
        for name in _MIRRORING
    ),
    Fact(
        name="queue-master-locator",
        effect=_REFUSED,
        since=FIRST_WITHOUT_MASTER_LOCATOR,
        why=_LOCATOR_IS_DENIED,
        remedy="set queue-leader-locator: client-local or balanced",
    ),
    Fact(
        name="queue-mode",
        effect=_IGNORED,
        since=FIRST_WITHOUT_QUEUE_MODE,
        why=_LAZY_ANYWAY,
        remedy=_LEAVE_OUT,
    ),
    Fact(
        name="queue-version",
        effect=_IGNORED,
        since=FIRST_WITHOUT_QUEUE_VERSION_1,
        why="there is only version 2",
        remedy=_LEAVE_OUT,
    ),
)


def nearest_release(version: Version) -> Version:
    """Return the release in the table that stands for a version: the same one, or else the last one before it."""
    return max((release for release in RELEASES if release <= version), default=RELEASES[0])


def judgements(item: TopologyObject, topology: Topology, version: Version) -> Iterator[Judgement]:
    """Return the parts of an object that this release treats otherwise than another one does."""
    match item:
        case Binding():
            return _binding(item, topology, version)
        case Queue():
            return _queue(item, topology, version)
        case Exchange():
            return _exchange(item, topology, version)
        case Policy():
            return _policy(item, version)
        case _:
            return iter(())


def _exchange(exchange: Exchange, topology: Topology, version: Version) -> Iterator[Judgement]:
    if topology.exchange_types is not None and exchange.type not in topology.exchange_types:
        what = f"the broker has no exchange type {exchange.type} any more"
        yield Judgement(about="type", effect=_REFUSED, what=what, remedy=plugin_hint(exchange.type))
        return
    first = FIRST_WITH_LOCAL_RANDOM_EXCHANGES
    if exchange.type == "x-local-random" and version < first:
        release = version_text(version)
        what = f"RabbitMQ {release} refuses the type {exchange.type}: it exists since {version_text(first)}"
        yield Judgement(about="type", effect=_REFUSED, what=what, remedy="use another type, or upgrade the broker")


def _queue(queue: Queue, topology: Topology, version: Version) -> Iterator[Judgement]:
    kind = topology.type_of(queue)
    for name, value in queue.arguments.items():
        if name in ARGUMENT_FACTS:
            yield from _judgements_by(ARGUMENT_FACTS[name], value, version, kind)
    if not queue.durable and not queue.exclusive and version >= FIRST_DEPRECATING_TRANSIENT_QUEUES:
        what = (
            f"RabbitMQ {version_text(version)} deprecates queues that are neither durable nor exclusive"
            " (transient_nonexcl_queues): its configuration may deny them, and a later release will by default"
        )
        remedy = "make it durable, with an expiry by x-expires or a policy"
        yield Judgement(about="durable", effect=_DEPRECATED, what=what, remedy=remedy)


def _policy(policy: Policy, version: Version) -> Iterator[Judgement]:
    first = FIRST_WITH_POLICIES_BY_QUEUE_TYPE
    if policy.apply_to in {"classic_queues", "quorum_queues", "streams"} and version < first:
        what = (
            f"RabbitMQ {version_text(version)} refuses apply_to {policy.apply_to}:"
            f" it exists since {version_text(first)}"
        )
        remedy = "apply it to queues, with a pattern that matches only those"
        yield Judgement(about="apply_to", effect=_REFUSED, what=what, remedy=remedy)
    if version >= FIRST_WITH_DELAYED_RETRY and _delays(policy) and "delayed-retry-min" not in policy.definition:
        what = f"RabbitMQ {version_text(version)} refuses delayed-retry-type without delayed-retry-min"
        remedy = "set delayed-retry-min, the milliseconds that a message waits"
        yield Judgement(about="delayed-retry-type", effect=_REFUSED, what=what, remedy=remedy)
    for key, value in policy.definition.items():
        yield from _judgements_by(POLICY_FACTS.get(key, ()), value, version)


def _delays(policy: Policy) -> bool:
    return policy.definition.get("delayed-retry-type", "disabled") != "disabled"


def _binding(binding: Binding, topology: Topology, version: Version) -> Iterator[Judgement]:
    source = find_exchange(binding.source, topology.exchanges)
    is_selective = SELECTOR in binding.arguments or version < FIRST_WITH_STRICT_SELECTORS
    if source is not None and source.type == JMS_TOPIC and not is_selective:
        what = (
            f"RabbitMQ {version_text(version)} refuses a binding from an {JMS_TOPIC} exchange without {SELECTOR}"
        )
        yield Judgement(about="arguments", effect=_REFUSED, what=what, remedy="let a JMS client make the binding")
    if version >= FIRST_WITH_FEWER_HASHES and count_hashes(binding, topology) > MAX_HASHES:
        what = f"RabbitMQ {version_text(version)} refuses a topic key with more than {MAX_HASHES} words `#`"
        remedy = "bind several keys that are more specific"
        yield Judgement(about="routing_key", effect=_REFUSED, what=what, remedy=remedy)


def count_hashes(binding: Binding, topology: Topology) -> int:
    """Count the words `#` of a topic key; keys with few of them, and of other exchanges, count as 0."""
    if binding.routing_key.count("#") <= MAX_HASHES:
        return 0
    source = find_exchange(binding.source, topology.exchanges)
    is_topic = source is not None and source.routing_type == "topic"
    return binding.routing_key.split(".").count("#") if is_topic else 0


def _judgements_by(
    facts: Iterable[Fact], value: Argument, version: Version, queue_type: str | None = None
) -> Iterator[Judgement]:
    for fact in facts:
        if fact.holds(version, value) and (queue_type is None or queue_type in fact.queue_types):
            of = "" if len(fact.queue_types) == len(QUEUE_TYPES) else f" of a {either(fact.queue_types)} queue"
            given = f" {value}" if fact.is_about_values else ""
            verb = _VERBS[fact.effect]
            what = f"RabbitMQ {version_text(version)} {verb} {fact.name}{given}{of}: {fact.why}"
            yield Judgement(about=fact.name, effect=fact.effect, what=what, remedy=fact.remedy)
