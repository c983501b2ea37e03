"""Arguments of an existing object when it is declared again: compared, kept or ignored, by type and release.

Asked of RabbitMQ 3.10, 4.0 and 4.3, each argument with other, smaller, greater, absent and present values; a test
asks again. Exceptions: x-delayed-type is from the source of its plugin, and the releases between the three ones
from the release notes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.topology.facts.arguments import QUEUE_TYPES
from attune_infra.topology.facts.releases import (
    FIRST_COMPARING_AGES_BY_LENGTH,
    FIRST_WITH_ARGUMENTS_OF_ONE_TYPE,
    FIRST_WITH_CLASSIC_LEADER_LOCATOR,
    FIRST_WITH_CONSUMER_TIMEOUT,
    FIRST_WITH_DELAYED_RETRY,
    FIRST_WITH_DISCONNECTED_TIMEOUT,
    FIRST_WITH_STREAM_FILTERS,
    FIRST_WITH_TARGET_GROUP_SIZE,
    Version,
    is_between,
)
from attune_infra.topology.model import freeze


class Treatment(StrEnum):
    """RabbitMQ's treatment of an argument; an argument that the tables leave out is stored and never read."""

    COMPARED = "compared"
    """RabbitMQ refuses a declaration that differs in it."""
    KEPT = "kept"
    """RabbitMQ accepts a declaration that differs in it, and goes on acting on the first value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The treatment of some arguments on objects of these types, from one release on and before another."""

    treatment: Treatment
    types: tuple[str, ...]
    names: tuple[str, ...]
    since: Version = (0, 0)
    until: Version | None = None

    def holds(self, version: Version) -> bool:
        return is_between(version, self.since, self.until)


_CLASSIC, _QUORUM, _STREAM = ("classic",), ("quorum",), ("stream",)
_COMPARED, _KEPT = Treatment.COMPARED, Treatment.KEPT

QUEUE_ROWS: Final = (
    Row(treatment=_COMPARED, types=QUEUE_TYPES, names=("x-max-length-bytes",)),
    Row(
        treatment=_COMPARED,
        types=_CLASSIC + _QUORUM,
        names=(
            "x-dead-letter-exchange",
            "x-dead-letter-routing-key",
            "x-expires",
            "x-max-length",
            "x-message-ttl",
            "x-overflow",
            "x-single-active-consumer",
        ),
    ),
    Row(
        treatment=_COMPARED,
        types=_CLASSIC,
        names=("x-max-priority", "x-queue-master-locator", "x-queue-mode", "x-queue-version"),
    ),
    Row(
        treatment=_COMPARED,
        types=_QUORUM,
        names=(
            "x-dead-letter-strategy",
            "x-delivery-limit",
            "x-max-in-memory-bytes",
            "x-max-in-memory-length",
            "x-quorum-initial-group-size",
        ),
    ),
    Row(
        treatment=_COMPARED,
        types=_STREAM,
        names=("x-initial-cluster-size", "x-max-age", "x-stream-max-segment-size-bytes"),
    ),
    Row(treatment=_COMPARED, types=_QUORUM + _STREAM, names=("x-queue-leader-locator",)),
    Row(
        treatment=_COMPARED,
        types=_CLASSIC,
        names=("x-queue-leader-locator",),
        since=FIRST_WITH_CLASSIC_LEADER_LOCATOR,
    ),
    Row(
        treatment=_COMPARED,
        types=_QUORUM,
        names=("x-delayed-retry-max", "x-delayed-retry-min", "x-delayed-retry-type"),
        since=FIRST_WITH_DELAYED_RETRY,
    ),
    Row(
        treatment=_COMPARED,
        types=_QUORUM,
        names=("x-consumer-disconnected-timeout",),
        since=FIRST_WITH_DISCONNECTED_TIMEOUT,
    ),
    Row(
        treatment=_COMPARED,
        types=_QUORUM,
        names=("x-consumer-timeout",),
        since=FIRST_WITH_ARGUMENTS_OF_ONE_TYPE,
    ),
    Row(
        treatment=_KEPT,
        types=QUEUE_TYPES,
        names=("x-consumer-timeout",),
        since=FIRST_WITH_CONSUMER_TIMEOUT,
        until=FIRST_WITH_ARGUMENTS_OF_ONE_TYPE,
    ),
    Row(
        treatment=_COMPARED,
        types=_STREAM,
        names=("x-stream-filter-size-bytes",),
        since=FIRST_WITH_ARGUMENTS_OF_ONE_TYPE,
    ),
    Row(
        treatment=_KEPT,
        types=_STREAM,
        names=("x-stream-filter-size-bytes",),
        since=FIRST_WITH_STREAM_FILTERS,
        until=FIRST_WITH_ARGUMENTS_OF_ONE_TYPE,
    ),
    Row(
        treatment=_KEPT,
        types=_QUORUM,
        names=("x-quorum-target-group-size",),
        since=FIRST_WITH_TARGET_GROUP_SIZE,
    ),
)
"""The arguments of queues. The type is compared as an attribute."""

EXCHANGE_ROWS: Final = (
    Row(treatment=_KEPT, types=("x-consistent-hash",), names=("hash-header", "hash-property")),
    Row(treatment=_KEPT, types=("x-delayed-message",), names=("x-delayed-type",)),
    Row(treatment=_KEPT, types=("x-recent-history",), names=("x-recent-history-length",)),
)
"""The arguments of exchanges, beside the one that RabbitMQ compares on all types."""

_COMPARED_ON_EVERY_EXCHANGE: Final = {"alternate-exchange": Treatment.COMPARED}
_UNIT_SECONDS: Final = {
    "Y": 31_536_000,
    "M": 2_592_000,
    "D": 86_400,
    "h": 3_600,
    "m": 60,
    "s": 1,
}


def treatments_by(rows: Iterable[Row], kind: str, version: Version) -> Mapping[str, Treatment]:
    """Return the treatment of each argument by these rows."""
    return {name: row.treatment for row in rows if kind in row.types and row.holds(version) for name in row.names}


@lru_cache
def queue_treatments(queue_type: str, version: Version) -> Mapping[str, Treatment]:
    """Return the treatment of each argument that RabbitMQ compares or keeps on an existing queue of a type."""
    return treatments_by(QUEUE_ROWS, queue_type, version)


@lru_cache
def exchange_treatments(exchange_type: str, version: Version) -> Mapping[str, Treatment]:
    """Return the treatment of each argument that RabbitMQ compares or keeps on an existing exchange of a type."""
    return {**_COMPARED_ON_EVERY_EXCHANGE, **treatments_by(EXCHANGE_ROWS, exchange_type, version)}


def are_equal(name: str, have: object, want: object, version: Version) -> bool:
    """Return whether RabbitMQ takes two values of a compared argument for the same."""
    if freeze(have) == freeze(want):
        return True
    if name != "x-max-age" or version < FIRST_COMPARING_AGES_BY_LENGTH:
        return False
    seconds = seconds_of_age(have)
    return seconds is not None and seconds == seconds_of_age(want)


def seconds_of_age(age: object) -> int | None:
    """Return the length of an age such as `7D`, None if it is none."""
    found = re.fullmatch(r"([0-9]{1,18})([YMDhms])", age) if isinstance(age, str) else None
    return int(found[1]) * _UNIT_SECONDS[found[2]] if found else None
