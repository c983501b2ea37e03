"""Move or copy messages between two queues: what the commands for it share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from attune_infra.cli._consent import ask_to_delete, confirm_target
from attune_infra.cli._progress import progress
from attune_infra.cli._session import Session

if TYPE_CHECKING:
    from attune_infra.interfaces import MovingBroker
    from attune_infra.messages.moving import MoveResult
    from attune_infra.operations.move import Move

PauseAbove = Annotated[
    float | None,
    typer.Option("--pause-above", metavar="RATE", min=1, help="Pause so as to move no more messages a second."),
]
Limit = Annotated[
    int | None,
    typer.Option("--limit", metavar="N", min=1, help="Stop after so many messages.", show_default=False),
]


def carry_out(
    session: Session, ends: tuple[str, str], where: Sequence[str] | None, *, yes: bool, **options: Any
) -> NoReturn:
    """Move or copy messages from one queue to another, after asking, and finish with the result."""
    from attune_infra.messages.selection import parse_selection
    from attune_infra.operations.move import Move
    from attune_infra.render.pages import moved as page

    wanted = Move(source=ends[0], to=ends[1], selection=parse_selection(where or ()), **options)
    with session.broker(writes=True) as broker:
        confirm_target(session, has_plan=False)
        if not yes:
            verb = "copy" if wanted.copies else "move"
            ask_to_delete(
                session, (), f"{verb} messages from queue {ends[0]} to queue {ends[1]}?", hint="give --yes"
            )
        session.finish("queue-copy" if wanted.copies else "queue-move", page, _move(broker, wanted))


def _move(broker: MovingBroker, wanted: Move) -> MoveResult:
    from attune_infra.messages.moving import MoveResult
    from attune_infra.operations.move import move

    have = broker.read(private=True)
    total = broker.contents(wanted.source)[0] or 0
    with progress("copying messages" if wanted.copies else "moving messages") as watch:
        moved = move(broker, wanted, have, on_progress=lambda now: watch(now.moved, max(now.moved, total)))
    return MoveResult(source=wanted.source, to=wanted.to, copies=wanted.copies, moved=moved)
