"""What is to be done, decided before anything is done, in the order in which it can be."""

from __future__ import annotations

from dataclasses import dataclass

from attune_infra.errors import ExitCode
from attune_infra.topology.diff import Change, Create, Recreate, Update, diff
from attune_infra.topology.model import Topology, TopologyObject


@dataclass(frozen=True, slots=True)
class Plan:
    """What it takes to make a broker hold all that is wanted."""

    changes: tuple[Change, ...]
    unchanged: tuple[TopologyObject, ...]

    @classmethod
    def between(cls, have: Topology, want: Topology) -> Plan:
        changes = diff(have, want)
        changing = {id(change.want) for change in changes}
        return cls(changes, tuple(item for item in want.objects() if id(item) not in changing))

    @property
    def exit_code(self) -> ExitCode:
        """Drift, if anything is to be done."""
        return ExitCode.DRIFT if self.changes else ExitCode.DONE

    @property
    def foreseen_exit_code(self) -> ExitCode:
        """What carrying the plan out would exit with, if nothing fails on the way."""
        if not self.conflicts:
            return ExitCode.DONE
        return ExitCode.PARTLY_DONE if self.applicable else ExitCode.FAILED

    @property
    def applicable(self) -> tuple[Create | Update, ...]:
        """The changes that lose nothing."""
        return tuple(change for change in self.changes if not isinstance(change, Recreate))

    @property
    def conflicts(self) -> tuple[Recreate, ...]:
        """What exists but differs in a way that cannot be changed in place."""
        return tuple(change for change in self.changes if isinstance(change, Recreate))
