"""attune-infra queues."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from attune_infra.cli._app import App
from attune_infra.cli._progress import progress
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.errors import WrongUsage
from attune_infra.fleet.queues import Column, Finding, Selection
from attune_infra.settings import Via

if TYPE_CHECKING:
    from attune_infra.fleet.queues import Queues

app = App()

Name = Annotated[
    str | None,
    typer.Argument(
        metavar="QUEUE",
        help="Show this queue in detail: bindings, policy, and a message's way through it.",
        show_default=False,
    ),
]
Filter = Annotated[
    str,
    typer.Option("--filter", metavar="TEXT", help="Only queues with TEXT in their names; case does not count."),
]
Sort = Annotated[Column, typer.Option("--sort", help="Column to sort by: numbers from the largest.")]
Reverse = Annotated[bool, typer.Option("--reverse", help="Reverse the order.")]
Orphans = Annotated[bool, typer.Option("--orphans", help="Only queues without a binding and without a consumer.")]
Unbounded = Annotated[bool, typer.Option("--unbounded", help="Only queues without a limit of length or of age.")]
Down = Annotated[bool, typer.Option("--down", help="Only queues that cannot be used.")]


@app.command()
@shared(Uses.DISPLAY | Uses.BROKER | Uses.PLACES)
def queues(
    session: Session,
    queue: Name = None,
    *,
    filter_: Filter = "",
    sort: Sort = Column.VERDICT,
    reverse: Reverse = False,
    orphans: Orphans = False,
    unbounded: Unbounded = False,
    down: Down = False,
) -> None:
    """List the queues of the virtual host once, each with a verdict. Exit code 2 if one is down.

    With QUEUE, show that one in detail. A table has the columns that fit the terminal, or COLUMNS.
    """
    findings = _chosen(orphans=orphans, unbounded=unbounded, down=down)
    selection = Selection(text=filter_, findings=findings, sort=sort, reverse=reverse)
    if queue is not None and selection != Selection():
        raise WrongUsage("a queue is named, and an option for the list is given", hint="give one of them")
    if queue is not None:
        one = session.with_one_on_broker()
        _finish_with_details(one, _look(one), queue)
    _finish_with_list(session, selection)


def _look(session: Session) -> Queues:
    from attune_infra.operations.queues import look_at_queues

    with session.broker(Via.HTTP) as broker, progress("reading queues") as on_progress:
        return look_at_queues(broker, on_progress)


def _chosen(*, orphans: bool, unbounded: bool, down: bool) -> frozenset[Finding]:
    given = {Finding.ORPHAN: orphans, Finding.UNBOUNDED: unbounded, Finding.DOWN: down}
    return frozenset(finding for finding, is_given in given.items() if is_given)


def _finish_with_list(session: Session, selection: Selection) -> NoReturn:
    from attune_infra.cli._each import finish_one_or_each
    from attune_infra.render.pages import queues as page

    width = shutil.get_terminal_size().columns
    finish_one_or_each(
        session, "queues", page, lambda each: page.Listing(_look(each).select(selection), width), live=True
    )


def _finish_with_details(session: Session, found: Queues, name: str) -> NoReturn:
    from attune_infra.fleet.queue_details import details_of
    from attune_infra.render.pages import queue_details as page

    session.finish("queue-details", page, details_of(found, name))
