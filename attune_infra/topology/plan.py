"""The plan: all changes to a broker, decided before the first of them is made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from attune_infra.errors import ExitCode, PlanRefused
from attune_infra.topology.diff import Change, Create, Delete, Recreate, Update, compare
from attune_infra.topology.model import Binding, Queue, Topology, TopologyObject, freeze
from attune_infra.topology.prune import prunable

_DIGEST_LENGTH = 12


@dataclass(frozen=True)
class Plan:
    """The changes that create all wanted objects and, with pruning, delete the undeclared ones that are managed.

    The `unchanged` objects exist as wanted; queues among them that do not work have the state that the broker
    reports.
    """

    changes: tuple[Change, ...]
    unchanged: tuple[TopologyObject, ...]

    @classmethod
    def between(cls, have: Topology, want: Topology, *, prune: bool = False) -> Plan:
        changes: list[Change] = []
        unchanged: list[TopologyObject] = []
        for item, change in compare(have, want):
            if change is None:
                unchanged.append(_with_state(item, have))
            else:
                changes.append(change)
        return cls((*changes, *(prunable(have, want) if prune else ())), tuple(unchanged))

    @cached_property
    def digest(self) -> str:
        """A name for exactly these changes; other changes have another one."""
        text = json.dumps([_canonical(change) for change in self.changes], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]

    def insist_on(self, digest: str | None) -> None:
        """Raise `PlanRefused` if the user has seen another plan than this one."""
        if digest is not None and digest != self.digest:
            raise PlanRefused(
                f"the plan is now {self.digest}, not {digest}: the broker or the document has changed",
                hint="show the new plan with `attune-infra diff`",
            )

    @property
    def exit_code(self) -> ExitCode:
        """Drift, if there is a change to make or a queue that cannot be used."""
        return ExitCode.DRIFT if self.changes or self.down else ExitCode.DONE

    def dry_run(self, *, allowed: bool = False) -> DryRun:
        """Return the plan for a command that shows it and exits as if it had carried it out."""
        return DryRun(self.changes, self.unchanged, allowed)

    @property
    def down(self) -> tuple[Queue, ...]:
        """The queues that exist as wanted but cannot be used, since their node is down."""
        return tuple(item for item in self.unchanged if isinstance(item, Queue) and not item.works)

    @cached_property
    def applicable(self) -> tuple[Create | Update, ...]:
        """The changes that destroy nothing."""
        return tuple(change for change in self.changes if isinstance(change, Create | Update))

    @cached_property
    def recreations(self) -> tuple[Recreate, ...]:
        """The objects that differ and cannot be changed in place."""
        return tuple(change for change in self.changes if isinstance(change, Recreate))

    @cached_property
    def deletions(self) -> tuple[Delete, ...]:
        """The undeclared objects that the document manages."""
        return tuple(change for change in self.changes if isinstance(change, Delete))

    @property
    def destructive(self) -> tuple[Recreate | Delete, ...]:
        """The changes that must be allowed explicitly."""
        return (*self.recreations, *self.deletions)


@dataclass(frozen=True)
class DryRun(Plan):
    """A plan that is only shown; `allowed` if its destructive changes would be made.

    The exit code is that of carrying it out, if nothing fails on the way.
    """

    allowed: bool = False

    @property
    def exit_code(self) -> ExitCode:
        refused = not self.allowed and bool(self.destructive)
        if not (refused or self.down):
            return ExitCode.DONE
        if self.applicable or (self.allowed and self.destructive):
            return ExitCode.PARTLY_DONE
        return ExitCode.FAILED if self.down else ExitCode.REFUSED


def _with_state(item: TopologyObject, have: Topology) -> TopologyObject:
    """Return an unchanged object; a queue that does not work gets the state that the broker reports."""
    if not isinstance(item, Queue):
        return item
    existing = have.queues[item.name]
    return item if existing.works else replace(item, state=existing.state)


def _canonical(change: Change) -> tuple[object, ...]:
    match change:
        case Create():
            return ("create", _object(change.want))
        case Update():
            return ("update", _object(change.want), repr(change.differences))
        case Recreate():
            lost = [binding.identity for binding in change.lost]
            return ("recreate", _object(change.want), repr(change.differences), lost)
        case Delete():
            return ("delete", _object(change.have))


def _object(item: TopologyObject) -> tuple[object, ...]:
    """Return all attributes of an object, with their types."""
    names = [name for name in item.__slots__ if name not in {"state", "key_is_text"}]
    if isinstance(item, Binding) and not item.key_is_text:
        names.append("key_is_text")
    return (type(item).__name__, *((name, freeze(_plain(getattr(item, name)))) for name in names))


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else value
