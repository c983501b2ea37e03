"""What is to be done, decided before anything is done, in the order in which it can be."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from attune_infra.errors import ExitCode, PlanRefused
from attune_infra.topology.diff import Change, Create, Delete, Recreate, Update, compare
from attune_infra.topology.model import Queue, Topology, TopologyObject, freeze
from attune_infra.topology.prune import prunable

_DIGITS = 12


@dataclass(frozen=True)
class Plan:
    """What it takes to make a broker hold all that is wanted and, with pruning, nothing else it claims.

    The `unchanged` are there as wanted; queues among them that do not work have the state that the broker reports.
    """

    changes: tuple[Change, ...]
    unchanged: tuple[TopologyObject, ...]

    @classmethod
    def between(cls, have: Topology, want: Topology, *, prune: bool = False) -> Plan:
        changes: list[Change] = []
        unchanged: list[TopologyObject] = []
        for item, change in compare(have, want):
            if change is None:
                unchanged.append(_as_seen(item, have))
            else:
                changes.append(change)
        return cls((*changes, *(prunable(have, want) if prune else ())), tuple(unchanged))

    @cached_property
    def digest(self) -> str:
        """A name for exactly this plan: another plan, or the same one for another broker, has another."""
        text = json.dumps([_canonical(change) for change in self.changes], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]

    def insist_on(self, digest: str | None) -> None:
        """Raise `PlanRefused` if a plan was looked at before, and this is another one."""
        if digest is not None and digest != self.digest:
            raise PlanRefused(
                f"the plan is now {self.digest}, not {digest}: the broker or the document has changed since",
                hint="look at the new one with `attune-infra diff`",
            )

    @property
    def exit_code(self) -> ExitCode:
        """Drift, if anything is to be done, or cannot be used as it is."""
        return ExitCode.DRIFT if self.changes or self.down else ExitCode.DONE

    def foreseen_exit_code(self, *, allowed: bool = False) -> ExitCode:
        """Return what carrying the plan out would exit with, if nothing fails on the way."""
        refused = not allowed and bool(self.destructive)
        if not (refused or self.down):
            return ExitCode.DONE
        if self.applicable or (allowed and self.destructive):
            return ExitCode.PARTLY_DONE
        return ExitCode.FAILED if self.down else ExitCode.REFUSED

    @property
    def down(self) -> tuple[Queue, ...]:
        """The queues that are there as wanted, and cannot be used: the node that they live on is down."""
        return tuple(item for item in self.unchanged if isinstance(item, Queue) and not item.works)

    @cached_property
    def applicable(self) -> tuple[Create | Update, ...]:
        """The changes that lose nothing."""
        return tuple(change for change in self.changes if isinstance(change, Create | Update))

    @cached_property
    def recreations(self) -> tuple[Recreate, ...]:
        """What exists but differs in a way that cannot be changed in place."""
        return tuple(change for change in self.changes if isinstance(change, Recreate))

    @cached_property
    def deletions(self) -> tuple[Delete, ...]:
        """What nobody declares and the document claims."""
        return tuple(change for change in self.changes if isinstance(change, Delete))

    @property
    def destructive(self) -> tuple[Recreate | Delete, ...]:
        """The changes that are made only if explicitly allowed."""
        return (*self.recreations, *self.deletions)


def _as_seen(item: TopologyObject, have: Topology) -> TopologyObject:
    """Return an object that is there, with the state of a queue that does not work."""
    if not isinstance(item, Queue) or (there := have.queues[item.name]).works:
        return item
    return replace(item, state=there.state)


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
    """Return all that an object is declared with, types included."""
    names = [name for name in item.__slots__ if name != "state"]
    return (type(item).__name__, *((name, freeze(_plain(getattr(item, name)))) for name in names))


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else value
