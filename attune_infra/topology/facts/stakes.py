"""Settings of a queue whose change can lose its messages, or the queue itself.

Tried on RabbitMQ 3.10, 4.0 and 4.3. There, messages keep the expiry with which they came, and a lower TTL drops
later ones only. RabbitMQ does not promise that, so a lower TTL threatens all messages here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Final, TypeAlias

from attune_infra.dataclass import dataclass
from attune_infra.topology.facts.redeclaration import seconds_of_age
from attune_infra.topology.facts.releases import (
    FIRST_WITH_DEFAULT_DELIVERY_LIMIT,
    FIRST_WITH_UNLIMITED_DELIVERIES,
    NEWEST,
    Version,
)
from attune_infra.topology.model import ABSENT, Arguments, Value, freeze


class Harm(StrEnum):
    """The things that a change can lose."""

    QUEUE = "queue"
    """The queue with all of its messages, once nobody uses it."""
    MESSAGES = "messages"
    """Any message in the queue."""
    BEYOND = "beyond"
    """The messages beyond a number of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threat:
    """A setting of a queue that changes to a value that can lose something; `limit` goes with `Harm.BEYOND`."""

    setting: str
    harm: Harm
    have: Value
    want: Value
    limit: int | None = None


_Tighter: TypeAlias = Callable[[Value, Value, Version], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Danger:
    """A setting of the queues of some types: its change does harm if the new value is tighter.

    It does so only beside one of the settings in `beside`, if there are any.
    """

    setting: str
    harm: Harm
    queue_types: tuple[str, ...]
    is_tighter: _Tighter
    beside: tuple[str, ...] = ()

    def does_harm(self, queue_type: str, have: Arguments, want: Arguments, version: Version) -> bool:
        """Return whether a change can lose something on a queue of this type."""
        if queue_type not in self.queue_types or (self.beside and not want.keys() & set(self.beside)):
            return False
        return self.is_tighter(have.get(self.setting, ABSENT), want.get(self.setting, ABSENT), version)


def _is_lower(have: Value, want: Value, _: Version = NEWEST) -> bool:
    """Return whether a limit is new or lower; of values that are no numbers, any other one may be."""
    if want is ABSENT or freeze(have) == freeze(want):
        return False
    is_comparable = _is_number(have) and _is_number(want)
    return not is_comparable or want < have  # type: ignore[operator] # both are numbers


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_younger(have: Value, want: Value, version: Version) -> bool:
    mine, wanted = seconds_of_age(have), seconds_of_age(want)
    if mine is None or wanted is None:
        return _is_lower(have, want, version)
    return wanted < mine


def _allows_fewer_deliveries(have: Value, want: Value, version: Version) -> bool:
    return _deliveries(want, version) < _deliveries(have, version)


_DEFAULT_DELIVERY_LIMIT: Final = 20


def _deliveries(value: Value, version: Version) -> float:
    """Return a delivery limit as a number; a negative one is none, but drops a message at once before 4.0."""
    if not isinstance(value, int):
        return _DEFAULT_DELIVERY_LIMIT if version >= FIRST_WITH_DEFAULT_DELIVERY_LIMIT else float("inf")
    return float("inf") if value < 0 and version >= FIRST_WITH_UNLIMITED_DELIVERIES else value


_CLASSIC_AND_QUORUM: Final = ("classic", "quorum")

DANGERS: Final = (
    Danger(setting="x-expires", harm=Harm.QUEUE, queue_types=_CLASSIC_AND_QUORUM, is_tighter=_is_lower),
    Danger(setting="x-message-ttl", harm=Harm.MESSAGES, queue_types=_CLASSIC_AND_QUORUM, is_tighter=_is_lower),
    Danger(
        setting="x-delivery-limit",
        harm=Harm.MESSAGES,
        queue_types=("quorum",),
        is_tighter=_allows_fewer_deliveries,
    ),
    Danger(setting="x-max-age", harm=Harm.MESSAGES, queue_types=("stream",), is_tighter=_is_younger),
    Danger(setting="x-max-length-bytes", harm=Harm.MESSAGES, queue_types=("stream",), is_tighter=_is_lower),
    Danger(
        setting="x-stream-max-segment-size-bytes",
        harm=Harm.MESSAGES,
        queue_types=("stream",),
        is_tighter=_is_lower,
        beside=("x-max-age", "x-max-length-bytes"),
    ),
)
"""The settings whose tighter value does harm by itself; `threats` adds lengths, which depend on the overflow."""

LENGTHS: Final[Mapping[str, Harm]] = {"x-max-length": Harm.BEYOND, "x-max-length-bytes": Harm.MESSAGES}
"""Limits of classic and quorum queues. The size of a message is unknown, so any may be beyond the bytes."""

REJECTING: Final[Mapping[str, tuple[str, ...]]] = {
    "classic": ("reject-publish", "reject-publish-dlx"),
    "quorum": ("reject-publish",),
}
"""The overflows with which a full queue rejects new messages, and keeps those it has."""


def threats(queue_type: str, have: Arguments, want: Arguments, version: Version) -> Iterator[Threat]:
    """Yield the settings in effect on a queue whose change can lose something; dead letters are not looked at."""
    for danger in DANGERS:
        if danger.does_harm(queue_type, have, want, version):
            before, after = have.get(danger.setting, ABSENT), want.get(danger.setting, ABSENT)
            yield Threat(setting=danger.setting, harm=danger.harm, have=before, want=after)
    if queue_type in REJECTING:
        for setting, harm in LENGTHS.items():
            yield from _length_threats(setting, harm, have, want, _drops(queue_type, have, want))


@dataclass(frozen=True, slots=True)
class _Dropping:
    """The messages that a queue drops: those beyond a lower limit, or also those beyond an old one."""

    beyond_lower: bool
    beyond_old: bool


def _drops(queue_type: str, have: Arguments, want: Arguments) -> _Dropping:
    """Return what a change makes a queue drop. A classic queue applies a limit before the overflow beside it."""
    rejected, rejects = (each.get("x-overflow") in REJECTING[queue_type] for each in (have, want))
    always_rejects = rejected and rejects if queue_type == "classic" else rejects
    return _Dropping(beyond_lower=not always_rejects, beyond_old=rejected and not rejects)


def _length_threats(
    setting: str, harm: Harm, have: Arguments, want: Arguments, drops: _Dropping
) -> Iterator[Threat]:
    before, after = have.get(setting, ABSENT), want.get(setting, ABSENT)
    limit = after if isinstance(after, int) and harm is Harm.BEYOND else None
    if drops.beyond_lower and _is_lower(before, after):
        yield Threat(setting=setting, harm=harm, have=before, want=after, limit=limit)
    elif drops.beyond_old and after is not ABSENT:
        rejected, rejects = (each.get("x-overflow", ABSENT) for each in (have, want))
        yield Threat(setting="x-overflow", harm=harm, have=rejected, want=rejects, limit=limit)
