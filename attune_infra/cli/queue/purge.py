"""attune-infra queue purge."""

from __future__ import annotations

from typing import Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._consent import Yes, ask_to_delete, confirm_target
from attune_infra.cli._progress import progress
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared

app = App()

Names = Annotated[list[str], typer.Argument(metavar="QUEUE...", help="Queues to empty.", show_default=False)]


@app.command()
@shared(Uses.DISPLAY | Uses.BROKER | Uses.PLACE)
def purge(session: Session, queues: Names, *, yes: Yes = False) -> None:
    """Delete the ready messages of queues, after asking. They are gone: nothing dead-letters them.

    Unacknowledged messages stay with their consumers. RabbitMQ cannot empty a stream.
    """
    from attune_infra.operations import purge as operation
    from attune_infra.render.pages import purge as page

    with session.broker(writes=True) as broker:
        wanted = operation.look(broker, queues)
        if wanted.nothing:
            session.finish("queue-purge", page, wanted.nothing)
        confirm_target(session, has_plan=False)
        if not yes:
            ask_to_delete(session, page.wanted_lines(wanted), wanted.question, hint="give --yes to delete them")
        with progress("purging") as watch:
            purged = operation.purge(broker, wanted, watch)
    session.finish("queue-purge", page, purged)
