"""What became of a plan, object by object; the exit code follows from it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from attune_infra.errors import ExitCode
from attune_infra.topology.diff import Difference
from attune_infra.topology.model import Policy, TopologyObject


class Status(StrEnum):
    """What became of one object."""

    CREATED = "created"
    UPDATED = "updated"
    RECREATED = "recreated"
    DELETED = "deleted"
    UNCHANGED = "unchanged"
    DIFFERS = "differs"
    """It would have to be deleted and made again, and that was not allowed."""
    KEPT = "kept"
    """It was to be deleted, and something would have been lost by that."""
    FAILED = "failed"
    SKIPPED = "skipped"
    DOWN = "down"
    """It is there as wanted, and cannot be used: the node that it lives on is down."""


_MADE = frozenset({Status.CREATED, Status.UPDATED, Status.RECREATED, Status.DELETED})
_REFUSED = frozenset({Status.DIFFERS, Status.KEPT})
_FAILED = frozenset({Status.FAILED, Status.SKIPPED, Status.DOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What would go, or went, with an object that is deleted; None where it could not be counted."""

    messages: int | None
    consumers: int | None
    bindings: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one object, and why where it is not what was wanted.

    `instead` is a policy that would bring about what is wanted without any loss.
    """

    object: TopologyObject
    status: Status
    reason: str = ""
    differences: tuple[Difference, ...] = ()
    loss: Loss | None = None
    instead: Policy | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What became of every wanted object, in the order of `Topology.objects`, and of what was to be deleted."""

    outcomes: tuple[Outcome, ...]

    def counts(self) -> Counter[Status]:
        return Counter(outcome.status for outcome in self.outcomes)

    @property
    def exit_code(self) -> ExitCode:
        """Done; or partly done, where something was made and something not; or failed, or refused.

        Where all but policies is as wanted it is partly done too, however often it is tried: setting them needs a
        right of its own.
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
        return len(lacking) < len(self.outcomes) and all(isinstance(each.object, Policy) for each in lacking)
