"""attune-infra dlq show."""

from __future__ import annotations

import shutil
from typing import Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._consent import Yes
from attune_infra.cli._progress import busy
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.cli.dlq._options import Queue
from attune_infra.cli.queue._options import Where
from attune_infra.cli.queue.peek import agree_to_read

app = App()

_Count = Annotated[int, typer.Option("--count", metavar="N", min=1, max=1000, help="Messages to show.")]


@app.command()
@shared(Uses.DISPLAY | Uses.BROKER | Uses.PLACE)
def show(session: Session, queue: Queue, *, count: _Count = 10, where: Where = None, yes: Yes = False) -> None:
    """Show messages of a dead letter queue, each with all of its deaths in words. They stay in the queue.

    A queue that RabbitMQ cannot show unchanged is refused, or read after a question.
    """
    from attune_infra.messages.peeking import Wanted, peekable
    from attune_infra.messages.selection import parse_selection
    from attune_infra.operations.peek import peek
    from attune_infra.render.pages import dlq_show as page
    from attune_infra.render.pages.peek import View

    wanted = Wanted(selection=parse_selection(where or ()), count=count)
    with session.broker() as broker:
        found = peekable(queue, broker.read(private=True))
        agree_to_read(session, found, yes=yes)
        with busy(f"reading queue {queue}"):
            peeked = peek(broker, found, wanted)
    session.finish("dlq-show", page, View(peeked, shutil.get_terminal_size().columns))
