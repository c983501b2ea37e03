"""attune-infra dlq replay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._consent import Yes, ask_to_delete, confirm_target
from attune_infra.cli._options import DryRun
from attune_infra.cli._progress import progress
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.cli.dlq._options import DEFAULT_LOOK, Look, Queue
from attune_infra.cli.queue._options import Where
from attune_infra.errors import PlanRefused

if TYPE_CHECKING:
    from attune_infra.operations.replay import Replaying

app = App()

_Limit = Annotated[
    int | None,
    typer.Option("--limit", metavar="N", min=1, help="Send back at most this many messages.", show_default=False),
]
_To = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="EXCHANGE[:KEY]|QUEUE",
        help="Send them here instead. Without a KEY, each keeps the routing keys of its first death.",
        show_default=False,
    ),
]
_MaxReplays = Annotated[
    int,
    typer.Option(
        "--max-replays",
        metavar="N",
        min=1,
        help="Leave a message that was sent back this often already; the header x-attune-replays counts.",
    ),
]


@app.command()
@shared(Uses.RESULT | Uses.BROKER | Uses.PLACE)
def replay(
    session: Session,
    queue: Queue,
    *,
    where: Where = None,
    limit: _Limit = None,
    to: _To = None,
    max_replays: _MaxReplays = 3,
    look: Look = DEFAULT_LOOK,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Send messages of a dead letter queue back to where they came from, each once, after asking.

    That is the exchange and the routing keys of the first death, or --to. A message that no queue would take
    stays, and so does one that was sent back too often. Exit code 3 if a selected message stays.
    """
    from attune_infra.messages.selection import parse_selection
    from attune_infra.operations.replay import Replaying
    from attune_infra.render.pages import dlq_replay as page

    selection = parse_selection(where or ())
    with session.broker(writes=not dry_run) as broker:
        replaying = Replaying(broker, queue, selection=selection, to=to, limit=limit, max_replays=max_replays)
        if dry_run:
            session.finish("dlq-replay", page, replaying.plan(look, at_any_price=yes))
        confirm_target(session, has_plan=False)
        if not yes:
            _ask(session, replaying, look)
        with progress("sending back") as on_progress:
            session.finish("dlq-replay", page, replaying.carry_out(on_progress))


def _ask(session: Session, replaying: Replaying, look: int) -> None:
    """Show what would be sent, as far as it can be seen, and ask."""
    from attune_infra.render.pages import dlq_replay as page
    from attune_infra.render.text import Line

    try:
        lines = [*page.lines(replaying.plan(look))]
    except PlanRefused as refused:
        lines = [Line(f"the messages were not looked at: {refused.sentence}")]
    hint = "look at it with --dry-run; then give --yes"
    ask_to_delete(session, lines, f"Send messages of queue {replaying.queue} back?", hint=hint)
