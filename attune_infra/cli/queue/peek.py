"""attune-infra queue peek."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._consent import Yes, ask_to_delete, confirm_target
from attune_infra.cli._progress import busy
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.cli.queue._options import Where
from attune_infra.errors import WrongUsage
from attune_infra.messages.peeking import DEFAULT_COUNT, MAX_SHOWN

if TYPE_CHECKING:
    from attune_infra.interfaces.messages import PeekingBroker
    from attune_infra.messages.peeking import Peekable, Peeked, Wanted

app = App()

Name = Annotated[str, typer.Argument(metavar="QUEUE", help="Queue to read.", show_default=False)]
Count = Annotated[
    int | None,
    typer.Option(
        "--count",
        metavar="N",
        min=1,
        help=f"Messages to show or save; default: {DEFAULT_COUNT}, with --save all.",
        show_default=False,
    ),
]
SaveTo = Annotated[
    Path | None,
    typer.Option(
        "--save",
        metavar="FILE.jsonl",
        help="Write the messages to a new file, one a line, for `queue load`.",
        show_default=False,
    ),
]
OffsetOption = Annotated[
    str, typer.Option("--offset", metavar="first|last|N", help="Place in a stream to begin at; N is an offset.")
]


@app.command()
@shared(Uses.DISPLAY | Uses.BROKER | Uses.PLACE)
def peek(
    session: Session,
    queue: Name,
    *,
    count: Count = None,
    where: Where = None,
    save: SaveTo = None,
    offset: OffsetOption = "first",
    yes: Yes = False,
) -> None:
    """Read messages of a queue without removing any.

    A queue that RabbitMQ cannot show unchanged is refused, or read after a question. A message that was read is
    marked as redelivered, except in a stream.
    """
    from attune_infra.messages.peeking import peekable
    from attune_infra.render.pages import peek as page

    wanted = _wanted(count, where or (), offset, saves=save is not None)
    with session.broker() as broker:
        found = peekable(queue, broker.read(private=True))
        agree_to_read(session, found, yes=yes)
        with busy(f"reading queue {queue}"):
            peeked = _peek(broker, found, wanted, save)
    session.finish("queue-peek", page, page.View(peeked, shutil.get_terminal_size().columns))


def _wanted(count: int | None, where: list[str] | tuple[()], offset: str, *, saves: bool) -> Wanted:
    from attune_infra.messages.peeking import Wanted, parse_offset
    from attune_infra.messages.selection import parse_selection

    if count is not None and count > MAX_SHOWN and not saves:
        raise WrongUsage(
            f"--count: more than {MAX_SHOWN} messages are too many to show", hint="give --save FILE.jsonl"
        )
    if count is None and not saves:
        count = DEFAULT_COUNT
    return Wanted(selection=parse_selection(where), count=count, offset=parse_offset(offset))


def agree_to_read(session: Session, queue: Peekable, *, yes: bool) -> None:
    """Ask before reading a queue that changes by it."""
    from attune_infra.render.text import Line

    if queue.price is not None:
        confirm_target(session, has_plan=False)
        if not yes:
            ask_to_delete(session, [Line(queue.price)], "Read it?", hint="give --yes to read it nevertheless")


def _peek(broker: PeekingBroker, queue: Peekable, wanted: Wanted, to: Path | None) -> Peeked:
    from attune_infra.operations.peek import peek, save

    if to is None:
        return peek(broker, queue, wanted)
    from attune_infra.cli._files import new_file
    from attune_infra.cli._signals import exit_on_signals
    from attune_infra.cli._staying import keep_running
    from attune_infra.messages.jsonl import format_line

    keep_running()
    with exit_on_signals(), new_file(to) as file:
        return save(broker, queue, wanted, lambda message: file.write(format_line(message)), path=to)
