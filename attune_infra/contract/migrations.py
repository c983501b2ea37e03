"""Migrations of queues: the plan, and the result."""

from __future__ import annotations

from typing import Annotated, TypedDict

from attune_infra.messages.migrations import State
from attune_infra.topology.planning.migration import Stage


class MigrationStepData(TypedDict):
    """A step of a migration."""

    stage: Annotated[Stage, "Stage that it belongs to."]
    sentence: Annotated[str, "Change that it makes, as a sentence."]


class MigrationNoteData(TypedDict):
    """Something that messages cannot keep, or that cannot be switched."""

    sentence: Annotated[str, "Loss, as a sentence."]
    advice: Annotated[str, "Remedy, as a sentence."]


class MigrationObstacleData(TypedDict):
    """A reason not to begin."""

    sentence: Annotated[str, "Reason, as a sentence."]
    hint: Annotated[str, "Remedy, as a sentence."]


class MovedData(TypedDict):
    """Numbers of messages that were moved."""

    moved: Annotated[int, "Messages that were moved."]
    recovered: Annotated[int, "Messages that an earlier run, which was cut, had moved."]
    maybe_doubled: Annotated[
        int, "Messages that may be there twice, because the broker stopped; each has x-attune-maybe-doubled."
    ]
    without_user: Annotated[int, "Messages that lost user_id, because it was not the user of this login."]
    taken: Annotated[
        int,
        "Messages that consumers took out of the queue after a run was cut that had moved them: they come twice.",
    ]


class MoveResultData(MovedData):
    """Messages that were moved or copied to another queue."""

    source: Annotated[str, "Queue that they were in."]
    to: Annotated[str, "Queue that they are in now."]
    copies: Annotated[bool, "True if they are still in the source too."]
    not_selected: Annotated[int, "Messages that were not selected."]


class QueueMigrationData(TypedDict):
    """The migration of one queue."""

    source: Annotated[str, "Queue that is migrated."]
    name: Annotated[str, "Name of the wanted queue."]
    type: Annotated[str, "Type of the wanted queue."]
    state: Annotated[State, "State of the migration."]
    messages: Annotated[int | None, "Messages in the queue before, if they can be counted."]
    consumers: Annotated[int | None, "Consumers of the queue before, if they can be counted."]
    steps: Annotated[list[MigrationStepData], "Steps that are planned, or that were taken."]
    notes: Annotated[list[MigrationNoteData], "Things that are not kept."]
    obstacles: Annotated[list[MigrationObstacleData], "Reasons not to begin; nothing is changed if there is one."]
    result: Annotated[MovedData | None, "Messages that were moved; null for a plan."]
    late: Annotated[int | None, "Messages that may stand behind newer ones; null for a plan."]


class MigrationsData(TypedDict):
    """The migrations of queues."""

    digest: Annotated[str, "Name of exactly this plan, for --expect."]
    queues: Annotated[list[QueueMigrationData], "Queues, in the order in which they are migrated."]
