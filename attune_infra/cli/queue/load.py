"""attune-infra queue load."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import IO, TYPE_CHECKING, Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._consent import confirm_target
from attune_infra.cli._files import open_binary
from attune_infra.cli._progress import progress
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared

if TYPE_CHECKING:
    from attune_infra.interfaces.messages import LoadingBroker
    from attune_infra.messages.loading import Destination, Loaded, Source

app = App()

File = Annotated[
    str,
    typer.Argument(metavar="FILE.jsonl", help="Messages, one a line; - for standard input.", show_default=False),
]
Name = Annotated[str | None, typer.Argument(metavar="QUEUE", help="Queue to load into.", show_default=False)]
Exchange = Annotated[
    str | None,
    typer.Option(
        "--exchange",
        metavar="NAME",
        help="Publish to an exchange instead, each message with its own routing key; or amq.default.",
        show_default=False,
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        "--key", metavar="KEY", help="Publish all with this routing key; needs --exchange.", show_default=False
    ),
]
FromLine = Annotated[
    int, typer.Option("--from-line", metavar="N", min=1, help="Begin at this line, to go on after a cut.")
]


@app.command()
@shared(Uses.DISPLAY | Uses.BROKER | Uses.PLACE)
def load(
    session: Session,
    file: File,
    queue: Name = None,
    *,
    exchange: Exchange = None,
    key: Key = None,
    from_line: FromLine = 1,
) -> None:
    """Publish the messages of a file, as `queue peek --save` writes them. Exit code 3 if some fail.

    A message counts once it is in a queue and RabbitMQ has confirmed it. Lines that fail are named, and a load
    that was cut says where to go on.
    """
    from attune_infra.messages.loading import Source, destination
    from attune_infra.render.pages import load as page
    from attune_infra.topology.facts.exchanges import parse_exchange_name

    to = destination(queue, None if exchange is None else parse_exchange_name(exchange), key)
    with open_binary(file) as lines, session.broker(writes=True) as broker:
        confirm_target(session, has_plan=False)
        loaded = _load(broker, lines, Source(file, from_line), to)
    session.finish("queue-load", page, loaded)


def _load(broker: LoadingBroker, lines: IO[bytes], source: Source, to: Destination) -> Loaded:
    from attune_infra.cli._signals import stop_on_signals
    from attune_infra.cli._staying import keep_running
    from attune_infra.operations.load import load

    keep_running()
    total = _count_lines(lines)
    with stop_on_signals() as is_stopped, progress("loading") as watch:
        show = partial(_show, watch, total)
        return load(broker, lines, source, to, is_stopped=is_stopped, on_progress=show)


def _show(watch: Callable[[int, int], None], total: int, line: int) -> None:
    watch(line, max(line, total))


def _count_lines(file: IO[bytes]) -> int:
    """Return the number of lines of a file; 0 if it can be read only once."""
    if not file.seekable():
        return 0
    count = 0
    while piece := file.read(1 << 20):
        count += piece.count(b"\n")
    file.seek(0)
    return count
