"""A fact about releases of RabbitMQ: the way in which some of them treat an argument or a key of a policy."""

from __future__ import annotations

from enum import StrEnum

from attune_infra.dataclass import dataclass
from attune_infra.topology.facts.arguments import QUEUE_TYPES
from attune_infra.topology.facts.releases import OLDEST, Version, is_between
from attune_infra.topology.model import Argument


class Effect(StrEnum):
    """The reaction of a release to an argument or a key."""

    REFUSED = "refused"
    MISREAD = "misread"
    IGNORED = "ignored"
    DEPRECATED = "deprecated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """The reaction of some releases to an argument of a queue, or to a key of a policy.

    It holds from the release `since` on, and before `until`, for queues of these types. If there are `values`, it
    holds for them only; if there is a number `below`, only for smaller integers.
    """

    name: str
    effect: Effect
    since: Version = OLDEST
    until: Version | None = None
    queue_types: tuple[str, ...] = QUEUE_TYPES
    values: tuple[Argument, ...] = ()
    below: int | None = None
    why: str
    remedy: str

    def holds(self, version: Version, value: Argument) -> bool:
        """Return whether a release reacts in this way to a value."""
        is_in_range = is_between(version, self.since, self.until)
        is_below = self.below is None or (isinstance(value, int) and value < self.below)
        return is_in_range and is_below and (not self.values or value in self.values)

    @property
    def is_about_values(self) -> bool:
        """True if it holds for some values only."""
        return bool(self.values) or self.below is not None
