"""Keys of policies: the queue types that support each, and the value that counts if two sources set one.

Tried on RabbitMQ 3.10, 4.0 and 4.3. Facts about releases between these, and about arguments whose effect only a
cluster or a large stream shows, are from the sources of RabbitMQ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Final, TypeAlias

from attune_infra.dataclass import dataclass
from attune_infra.topology.facts.releases import (
    FIRST_WITH_CLASSIC_LEADER_LOCATOR,
    FIRST_WITH_SHORTER_EXPIRY_ON_QUORUM,
    FIRST_WITH_TARGET_GROUP_SIZE,
    FIRST_WITH_UNLIMITED_DELIVERIES,
    Version,
    is_between,
)
from attune_infra.topology.model import Argument

_Choice: TypeAlias = Callable[[Argument, Argument], Argument]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsupported:
    """Keys that queues of one type do not support, from the release `since` on and before `until`."""

    queue_type: str
    keys: tuple[str, ...]
    since: Version = (0, 0)
    until: Version | None = None

    def holds(self, queue_type: str, version: Version) -> bool:
        """Return whether a release does not support these keys on queues of a type."""
        return queue_type == self.queue_type and is_between(version, self.since, self.until)


_MIRRORING: Final = ("ha-mode", "ha-params", "ha-promote-on-failure", "ha-promote-on-shutdown", "ha-sync-mode")

UNSUPPORTED: Final = (
    Unsupported(
        queue_type="classic",
        keys=(
            "dead-letter-strategy",
            "delivery-limit",
            "initial-cluster-size",
            "max-age",
            "stream-max-segment-size-bytes",
        ),
    ),
    Unsupported(queue_type="classic", keys=("queue-leader-locator",), until=FIRST_WITH_CLASSIC_LEADER_LOCATOR),
    Unsupported(
        queue_type="classic",
        keys=("max-in-memory-bytes", "max-in-memory-length", "target-group-size"),
        since=FIRST_WITH_TARGET_GROUP_SIZE,
    ),
    Unsupported(
        queue_type="quorum",
        keys=(
            "initial-cluster-size",
            "max-age",
            "queue-master-locator",
            "queue-mode",
            "stream-max-segment-size-bytes",
            *_MIRRORING,
        ),
    ),
    Unsupported(
        queue_type="stream",
        keys=(
            "dead-letter-exchange",
            "dead-letter-routing-key",
            "dead-letter-strategy",
            "delivery-limit",
            "expires",
            "max-in-memory-bytes",
            "max-in-memory-length",
            "max-length",
            "message-ttl",
            "overflow",
            "queue-master-locator",
            "queue-mode",
            *_MIRRORING,
        ),
    ),
    Unsupported(queue_type="stream", keys=("target-group-size",), since=FIRST_WITH_TARGET_GROUP_SIZE),
)
"""The keys that keep a whole policy off a queue. A key that is in no row keeps a policy off no queue."""


@cache
def unsupported_keys(queue_type: str, version: Version) -> frozenset[str]:
    """Return the keys of which one is enough that RabbitMQ does not apply a policy to queues of a type."""
    return frozenset(key for each in UNSUPPORTED if each.holds(queue_type, version) for key in each.keys)


def merge_with_operator(key: str, value: Argument, by_operator: Argument) -> Argument:
    """Return the value in effect if a policy and an operator policy set one key."""
    return _OPERATOR_CHOICES.get(key, _take_second)(value, by_operator)


def merge_with_argument(
    name: str, argument: Argument, by_policy: Argument, *, queue_type: str, version: Version
) -> Argument:
    """Return the value in effect if an argument of a queue and a policy set the same thing."""
    return _argument_choice(name, queue_type, version)(argument, by_policy)


@cache
def _argument_choice(name: str, queue_type: str, version: Version) -> _Choice:
    match queue_type, name:
        case "stream", _:
            return _take_second
        case "quorum", "x-overflow":
            return _take_second
        case "quorum", "x-expires" if version < FIRST_WITH_SHORTER_EXPIRY_ON_QUORUM:
            return _take_second
        case "quorum", "x-delivery-limit" if version < FIRST_WITH_UNLIMITED_DELIVERIES:
            return _take_smaller
        case _:
            return _ARGUMENT_CHOICES.get(name, _take_first)


def _take_first(first: Argument, _: Argument) -> Argument:
    return first


def _take_second(_: Argument, second: Argument) -> Argument:
    return second


def _take_smaller(first: Argument, second: Argument) -> Argument:
    if isinstance(first, int | float) and isinstance(second, int | float):
        return min(first, second)
    return first


def _take_larger(first: Argument, second: Argument) -> Argument:
    if isinstance(first, int | float) and isinstance(second, int | float):
        return max(first, second)
    return first


def _take_smaller_limit(first: Argument, second: Argument) -> Argument:
    """Return the smaller of two limits; a negative number is no limit."""
    is_unlimited = any(isinstance(value, int | float) and value < 0 for value in (first, second))
    return _take_larger(first, second) if is_unlimited else _take_smaller(first, second)


_OPERATOR_CHOICES: Final[Mapping[str, _Choice]] = {
    "delayed-retry-max": _take_smaller,
    "delayed-retry-min": _take_larger,
    "delivery-limit": _take_smaller_limit,
    "expires": _take_smaller,
    "max-in-memory-bytes": _take_smaller,
    "max-in-memory-length": _take_smaller,
    "max-length": _take_smaller,
    "max-length-bytes": _take_smaller,
    "message-ttl": _take_smaller,
    "target-group-size": _take_larger,
}
"""The value that counts if an operator policy sets a key too; of all other keys it is that of the operator."""

_EVER: Final = (0, 0)
OPERATOR_KEYS: Final[Mapping[str, Version]] = {
    "delayed-retry-max": (4, 3),
    "delayed-retry-min": (4, 3),
    "delayed-retry-type": (4, 3),
    "delivery-limit": _EVER,
    "expires": _EVER,
    "max-in-memory-bytes": _EVER,
    "max-in-memory-length": _EVER,
    "max-length": _EVER,
    "max-length-bytes": _EVER,
    "message-ttl": _EVER,
    "overflow": (4, 0),
    "queue-master-locator": (4, 0),
    "queue-version": (4, 0),
    "target-group-size": (4, 0),
}
"""The keys that an operator policy can have, with the first release that was seen to take them.

3.10 refuses those of 4.0, and 4.0 those of 4.3; the releases between them were not tried.
"""

_TRIED: Final = frozenset({(3, 10), (4, 0), (4, 3)})


def operator_policy_problem(keys: Iterable[str], version: Version | None) -> tuple[str, str] | None:
    """Return the reason why a release refuses an operator policy, and a remedy; None if none is known."""
    for key in sorted(keys) if version in _TRIED else ():
        if version is not None and version < OPERATOR_KEYS.get(key, _EVER):
            return f"this release takes no '{key}' in an operator policy", "leave it out, or set it in a policy"
    return None


_ARGUMENT_CHOICES: Final[Mapping[str, _Choice]] = {
    "x-consumer-disconnected-timeout": _take_smaller,
    "x-consumer-timeout": _take_smaller,
    "x-delayed-retry-max": _take_smaller,
    "x-delayed-retry-min": _take_smaller,
    "x-delayed-retry-type": _take_second,
    "x-delivery-limit": _take_smaller_limit,
    "x-expires": _take_smaller,
    "x-max-in-memory-bytes": _take_smaller,
    "x-max-in-memory-length": _take_smaller,
    "x-max-length": _take_smaller,
    "x-max-length-bytes": _take_smaller,
    "x-message-ttl": _take_smaller,
    "x-queue-leader-locator": _take_second,
    "x-queue-master-locator": _take_second,
    "x-quorum-target-group-size": _take_larger,
}
"""The value that counts if a policy sets an argument of a classic or quorum queue too; else the argument does."""
