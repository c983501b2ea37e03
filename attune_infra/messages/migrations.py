"""Migrations of queues, before and after: the plan, the reasons against it, and the result."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from functools import cached_property

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode, PlanRefused
from attune_infra.messages.moving import Moved
from attune_infra.topology.model import Queue
from attune_infra.topology.planning.digest import canonical_object, digest_of
from attune_infra.topology.planning.keeping import Note, notes_on
from attune_infra.topology.planning.migration import Migration, Step
from attune_infra.topology.planning.obstacles import Contents, Obstacle
from attune_infra.topology.target import Target


class State(StrEnum):
    """The state of one migration."""

    PLANNED = "planned"
    REFUSED = "refused"
    UNCHANGED = "unchanged"
    MIGRATED = "migrated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrated:
    """A queue in its new place: the steps that were taken, and the messages that were moved.

    At most `late` messages stand behind newer ones, because publishers were switched meanwhile.
    """

    steps: tuple[Step, ...] = ()
    moved: Moved = field(default_factory=Moved)
    late: int = 0


@dataclass(frozen=True, kw_only=True)
class QueueMigration:
    """One queue to migrate, with what cannot be kept, and the reasons not to begin."""

    migration: Migration
    contents: Contents
    obstacles: tuple[Obstacle, ...] = ()
    result: Migrated | None = None

    @property
    def source(self) -> str:
        return self.migration.source

    @property
    def want(self) -> Queue:
        return self.migration.want

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        return self.migration.steps() if self.result is None else self.result.steps

    @cached_property
    def notes(self) -> tuple[Note, ...]:
        return tuple(notes_on(self.migration))

    @property
    def state(self) -> State:
        if self.obstacles:
            return State.REFUSED
        if not self.steps:
            return State.UNCHANGED
        return State.PLANNED if self.result is None else State.MIGRATED


@dataclass(frozen=True, kw_only=True)
class Migrations:
    """The migrations of one command, in the order in which they are made."""

    queues: tuple[QueueMigration, ...]
    target: Target | None = None

    @cached_property
    def digest(self) -> str:
        """The name of exactly these steps on this broker."""
        return digest_of(self.target, *(map(_canonical, each.steps) for each in self.queues))

    @property
    def messages(self) -> int:
        """The messages to move, as far as they are known; those of a queue that keeps its name move twice."""
        return sum((each.contents.messages or 0) * (1 if each.migration.renames else 2) for each in self.queues)

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.REFUSED if any(each.obstacles for each in self.queues) else ExitCode.DONE

    def check_possible(self) -> None:
        """Raise `PlanRefused` with the first reason not to begin."""
        for each in self.queues:
            for obstacle in each.obstacles:
                raise PlanRefused(f"{obstacle.sentence}; nothing was changed", hint=obstacle.hint)


def _canonical(step: Step) -> tuple[object, ...]:
    objects = (*step.make, *step.unbind, *step.delete)
    return (step.stage.value, step.move, step.via, *map(canonical_object, objects))
