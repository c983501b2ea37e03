"""The deletion of workers' leftovers, which `deprovision` and `prune` share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from attune_infra.cli._session import Session

if TYPE_CHECKING:
    from attune_infra.fleet.leftovers import Leftovers
    from attune_infra.interfaces import Broker

EvenIfUsed = Annotated[
    bool,
    typer.Option("--even-if-used", help="Also delete queues with consumers, or with messages, which are lost."),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def ask_to_remove(leftovers: Leftovers) -> None:
    """Show what would be deleted, and ask; raise `PlanRefused` without a yes."""
    from attune_infra.cli._consent import ask_to_delete
    from attune_infra.render.pages import leftovers as page

    question = f"Delete {page.summary(leftovers)}?"
    ask_to_delete(page.lines(leftovers), question, hint="look at it with --dry-run; then give --yes")


def finish_dry_run(session: Session, command: str, leftovers: Leftovers) -> NoReturn:
    from attune_infra.render.pages import leftovers as page

    session.finish(command, page, leftovers)


def finish_removal(session: Session, command: str, leftovers: Leftovers, broker: Broker) -> NoReturn:
    from attune_infra.render.pages import report as page
    from attune_infra.worker.leftovers import remove

    session.finish(command, page, remove(leftovers, broker))
