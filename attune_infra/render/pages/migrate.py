"""Migrations of queues: the steps, and what is not kept; or the result, with the numbers of messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attune_infra.messages.migrations import Migrated, Migrations, QueueMigration, State
from attune_infra.render.pages.moved import moved_data, moved_lines
from attune_infra.render.text import Level, Line
from attune_infra.topology.words import counted

if TYPE_CHECKING:
    from attune_infra.contract.migrations import MigrationsData, QueueMigrationData


def lines(shown: Migrations) -> Iterator[Line]:
    for each in shown.queues:
        yield from _queue_lines(each)
    if any(each.state is State.PLANNED for each in shown.queues):
        yield Line(f"plan {shown.digest}")


def question(shown: Migrations) -> str:
    """Return the question to ask before anything is changed."""
    names = ", ".join(each.source for each in shown.queues if each.steps)
    return f"migrate {names}, and keep every message?"


def _queue_lines(each: QueueMigration) -> Iterator[Line]:
    yield Line(_heading(each), "bold")
    for obstacle in each.obstacles:
        yield Line(f"  ! {obstacle.sentence}", "red", Level.PROBLEM)
        yield Line(f"    {obstacle.hint}", level=Level.PROBLEM)
    if each.result is not None and each.steps:
        yield from _result_lines(each.result)
        return
    for number, step in enumerate(each.steps, 1):
        yield Line(f"  {number:>2}. {step.stage}: {step.sentence}")
    for note in each.notes:
        yield Line(f"  note: {note.sentence}")
        yield Line(f"        {note.advice}")


def _heading(each: QueueMigration) -> str:
    kind = each.want.type or "classic"
    into = f"queue {each.want.name}, {kind}" if each.migration.renames else f"the wanted {kind} queue"
    match each.state:
        case State.UNCHANGED:
            return f"queue {each.source}: nothing to migrate"
        case State.MIGRATED:
            return f"queue {each.source} was migrated to {into}"
        case State.REFUSED:
            return f"queue {each.source} cannot be migrated now; nothing was changed"
        case _:
            messages = counted(each.contents.messages, "message")
            return f"queue {each.source} would be migrated to {into}, with {messages}"


def _result_lines(result: Migrated) -> Iterator[Line]:
    yield from moved_lines(result.moved)
    if result.late:
        yield Line(
            f"  at most {counted(result.late, 'message')} may stand behind newer ones: they were in the old queue "
            "when publishers were switched"
        )


def data(shown: Migrations) -> MigrationsData:
    return {"digest": shown.digest, "queues": [_queue_data(each) for each in shown.queues]}


def _queue_data(each: QueueMigration) -> QueueMigrationData:
    result = each.result
    return {
        "source": each.source,
        "name": each.want.name,
        "type": each.want.type or "classic",
        "state": each.state,
        "messages": each.contents.messages,
        "consumers": each.contents.consumers,
        "steps": [{"stage": step.stage, "sentence": step.sentence} for step in each.steps],
        "notes": [{"sentence": note.sentence, "advice": note.advice} for note in each.notes],
        "obstacles": [{"sentence": item.sentence, "hint": item.hint} for item in each.obstacles],
        "result": None if result is None else moved_data(result.moved),
        "late": None if result is None else result.late,
    }
