"""The outcome of a plan, object by object, and the exit code that follows from it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from attune_infra.errors import ExitCode
from attune_infra.topology.diff import Difference
from attune_infra.topology.facts.deletion import Companion
from attune_infra.topology.model import Policy, TopologyObject
from attune_infra.topology.planning.stakes import Stake


class Status(StrEnum):
    """The outcome of one object."""

    CREATED = "created"
    UPDATED = "updated"
    RECREATED = "recreated"
    DELETED = "deleted"
    UNCHANGED = "unchanged"
    DIFFERS = "differs"
    """It would have to be deleted and recreated, which was not allowed."""
    KEPT = "kept"
    """It was to be deleted, but something would have been lost with it."""
    WITHHELD = "withheld"
    """It is a policy that was to be set, but something would have been lost by it, which was not allowed."""
    FAILED = "failed"
    SKIPPED = "skipped"
    AWAITED = "awaited"
    """It is external, and missing or different: only its owner can declare or change it."""
    DOWN = "down"
    """The queue matches but is unavailable, because its node is down."""


_MADE = frozenset({Status.CREATED, Status.UPDATED, Status.RECREATED, Status.DELETED})
_REFUSED = frozenset({Status.DIFFERS, Status.KEPT, Status.WITHHELD})
_FAILED = frozenset({Status.FAILED, Status.SKIPPED, Status.AWAITED, Status.DOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """The losses by the deletion of an object; a number is None if it could not be counted.

    Bindings and exchanges that are created again are no loss.
    """

    messages: int | None
    consumers: int | None
    bindings: int
    exchanges: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one object, with a reason if it is not the wanted one.

    `lost` are objects that RabbitMQ deletes along with this one, and `again` those that are created again.
    `instead` is a policy that would have the wanted effect without any loss. `stakes` are the queues that a policy
    put at stake, or would put.
    """

    object: TopologyObject
    status: Status
    reason: str = ""
    differences: tuple[Difference, ...] = ()
    loss: Loss | None = None
    instead: Policy | None = None
    lost: tuple[Companion, ...] = ()
    again: tuple[Companion, ...] = ()
    stakes: tuple[Stake, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """The outcomes of all wanted objects, in the order of `Topology.objects`, then those of deletions."""

    outcomes: tuple[Outcome, ...]

    def counts(self) -> Counter[Status]:
        return Counter(outcome.status for outcome in self.outcomes)

    @property
    def exit_code(self) -> ExitCode:
        """Done, partly done, failed or refused.

        It is partly done if some changes were made and others were not. It is also partly done if only policies
        are lacking, even when nothing was left to change: setting them needs a permission of its own.
        """
        statuses = set(self.counts())
        if not statuses & (_REFUSED | _FAILED):
            return ExitCode.DONE
        if statuses & _MADE or self._lacks_only_policies:
            return ExitCode.PARTLY_DONE
        return ExitCode.FAILED if statuses & _FAILED else ExitCode.REFUSED

    @property
    def _lacks_only_policies(self) -> bool:
        lacking = [outcome for outcome in self.outcomes if outcome.status in _REFUSED | _FAILED]
        return len(lacking) < len(self.outcomes) and all(
            isinstance(each.object, Policy) and each.status in _FAILED for each in lacking
        )
