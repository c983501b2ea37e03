"""The outcome of a plan, object by object, and the exit code that follows from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode
from attune_infra.topology.diff import Difference
from attune_infra.topology.facts.deletion import Companion
from attune_infra.topology.facts.permissions import Tag, User, rights_to_create, rights_to_delete
from attune_infra.topology.model import (
    Binding,
    Exchange,
    GlobalParameter,
    OperatorPolicy,
    Parameter,
    Policy,
    Queue,
    TopologyObject,
)
from attune_infra.topology.permissions.lacks import grants
from attune_infra.topology.permissions.needs import Denied, Need, Over

if TYPE_CHECKING:
    from attune_infra.topology.planning.stakes import Stake


class Attempt(StrEnum):
    """The change of an object that was tried."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"


class Status(StrEnum):
    """The outcome of one object."""

    CREATED = "created"
    UPDATED = "updated"
    RECREATED = "recreated"
    DELETED = "deleted"
    UNCHANGED = "unchanged"
    ACCEPTED = "accepted"
    """RabbitMQ accepted its declaration, over AMQP alone, which does not tell if it existed before."""
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
    UNCHECKED = "unchecked"
    """Over AMQP alone, it could not be looked at, compared or made."""


_MADE = frozenset({Status.CREATED, Status.UPDATED, Status.RECREATED, Status.DELETED})
_REFUSED = frozenset({Status.DIFFERS, Status.KEPT, Status.WITHHELD})
_FAILED = frozenset({Status.FAILED, Status.SKIPPED, Status.AWAITED, Status.DOWN})
_LACKING = _REFUSED | _FAILED | {Status.UNCHECKED}


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
    `instead` is a policy that would have the wanted effect without any loss, and `migrate` the command that keeps
    every message. `stakes` are the queues that a policy
    put at stake, or would put. `denied` is the user who lacked a permission for what was
    attempted.
    """

    object: TopologyObject
    status: Status
    reason: str = ""
    differences: tuple[Difference, ...] = ()
    loss: Loss | None = None
    instead: Policy | None = None
    migrate: str | None = None
    lost: tuple[Companion, ...] = ()
    again: tuple[Companion, ...] = ()
    stakes: tuple[Stake, ...] = ()
    attempted: Attempt = Attempt.CREATED
    denied: Denied | None = None
    inequivalent: bool = False
    """True if RabbitMQ refused its declaration because the existing object differs, or an argument is invalid."""


@dataclass(frozen=True, slots=True)
class Report:
    """The outcomes of all wanted objects, in the order of `Topology.objects`, then those of deletions."""

    outcomes: tuple[Outcome, ...]

    def counts(self) -> Counter[Status]:
        return Counter(outcome.status for outcome in self.outcomes)

    @property
    def exit_code(self) -> ExitCode:
        """Done, partly done, failed or refused.

        It is partly done if some changes were made and others were not. It is also partly done if only policies,
        limits or permissions are lacking, even when nothing was left to change: setting them needs a tag. Objects
        that were not checked never count as done.
        """
        statuses = set(self.counts())
        if not statuses & _LACKING:
            return ExitCode.DONE
        if statuses & _MADE or self._lacks_only_tags:
            return ExitCode.PARTLY_DONE
        return ExitCode.REFUSED if statuses & _REFUSED and not statuses & _FAILED else ExitCode.FAILED

    def needs_of_denied(self) -> dict[TopologyObject, tuple[Need, ...]]:
        """Return all that the change of each object needs that was denied; its user lacks some of it."""
        exchanges = self._exchanges()
        return {each.object: _needs(each, exchanges) for each in self.outcomes if each.denied}

    def grants(self) -> tuple[str, ...]:
        """Return lines of `rabbitmqctl` that grant each denied user all that changing the objects needs.

        They replace the tags and permissions that the user has, which are not known here.
        """
        exchanges, lines = self._exchanges(), list[str]()
        denials = [each.denied for each in self.outcomes if each.denied]
        for name, virtual_host in dict.fromkeys((each.user, each.virtual_host) for each in denials):
            needs = [need for each in self._concerning(name) for need in _needs(each, exchanges)]
            lines += grants(needs, User(name=name, virtual_host=virtual_host))
        return tuple(lines)

    def _concerning(self, user: str) -> Iterator[Outcome]:
        """Yield the outcomes that a user was denied, and those of other objects, whose rights a line has to keep.

        The tag for policies is set by a line of its own, which leaves the rights alone.
        """
        denied = [each for each in self.outcomes if each.denied and each.denied.user == user]
        yield from denied
        if not all(_needs_only_a_tag(each.object) for each in denied):
            others = (each for each in self.outcomes if not each.denied)
            yield from (
                each for each in others if not (_needs_only_a_tag(each.object) or _is_external(each.object))
            )

    def _exchanges(self) -> dict[str, Exchange]:
        changed = (outcome.object for outcome in self.outcomes)
        return {item.name: item for item in changed if isinstance(item, Exchange)}

    @property
    def _lacks_only_tags(self) -> bool:
        lacking = [outcome for outcome in self.outcomes if outcome.status in _LACKING]
        return len(lacking) < len(self.outcomes) and all(
            _needs_only_a_tag(each.object) and each.status not in _REFUSED for each in lacking
        )


def _needs_only_a_tag(item: TopologyObject) -> bool:
    return not isinstance(item, Exchange | Queue | Binding)


def _is_external(item: TopologyObject) -> bool:
    return isinstance(item, Exchange | Queue) and item.external


def _needs(outcome: Outcome, exchanges: Mapping[str, Exchange]) -> tuple[Need, ...]:
    if isinstance(outcome.object, Policy | Parameter | GlobalParameter) and not isinstance(
        outcome.object, OperatorPolicy
    ):
        return (Need(Over.HTTP, Tag.POLICYMAKER),)
    if _needs_only_a_tag(outcome.object):
        return (Need(Over.HTTP, Tag.ADMINISTRATOR),)
    deletes = outcome.attempted is Attempt.DELETED or outcome.status in {Status.DELETED, Status.KEPT}
    rights_to_change = rights_to_delete if deletes else rights_to_create
    over = outcome.denied.over if outcome.denied else Over.AMQP
    return tuple(Need(over, right) for right in rights_to_change(outcome.object, exchanges))
