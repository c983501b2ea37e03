"""The live view for a command: checks that it can be shown, and the functions that look at the servers."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

from attune_infra.cli._durations import duration_option
from attune_infra.cli._staying import keep_running
from attune_infra.cli._target import Asked
from attune_infra.errors import InvalidInput, WrongUsage
from attune_infra.settings import Via

if TYPE_CHECKING:
    from collections.abc import Callable

    from attune_infra.broker.rabbitmq import RabbitMQ
    from attune_infra.cli._session import Session
    from attune_infra.fleet.model import Fleet, Limits
    from attune_infra.fleet.queues import Queues
    from attune_infra.tui.sources import Sources
    from attune_infra.tui.views import View

Every = Annotated[float, duration_option("--every", about="Time between two updates: 2s.", minimum=0.5)]


def require_live_view(instead: str) -> None:
    """Raise `WrongUsage` without a terminal, `InvalidInput` without Textual; `instead` prints the same once."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        hint = f"`attune-infra {instead}` prints it once, `attune-infra metrics` for monitoring"
        raise WrongUsage("no terminal: a live view needs one", hint=hint)
    if find_spec("textual") is None:
        raise InvalidInput(
            "the live view needs Textual, which is not installed",
            hint=f"pip install 'attune-infra[tui]'; `attune-infra {instead}` prints the same once, without it",
        )


def show_live(session: Session, view: View, *, tab: str, every: float, limits: Limits) -> None:
    """Show the live view until a person leaves it."""
    from attune_infra.tui.app import WatchApp

    keep_running()
    session = session.with_reading()
    with session.broker(Via.HTTP, asked=Asked.HTTP_IF_IT_ANSWERS) as broker:
        WatchApp(_sources(session, broker, limits), every=every, tab=tab, view=view).run()


def _sources(session: Session, broker: RabbitMQ, limits: Limits) -> Sources:
    from attune_infra.tui.sources import Sources

    return Sources(
        title=lambda: _title(session),
        queues=_queues_of(session, broker),
        workers=_workers_of(session, broker, limits) if session.settings.database_url else None,
    )


def _title(session: Session) -> str:
    """Return the name of the broker, or where it is looked for while it does not answer."""
    from attune_infra.render.words import place

    target = session.met.target
    if target is None:
        return f"attune-infra: {session.settings.management.base_url}"
    named = f", connection {target.connection}" if target.connection else ""
    return f"attune-infra: {place(target)}, user {target.user}{named}"


def _queues_of(session: Session, broker: RabbitMQ) -> Callable[[], Queues]:
    from attune_infra.operations.queues import look_at_queues

    def look() -> Queues:
        _meet(session, broker)
        return look_at_queues(broker)

    return look


def _workers_of(session: Session, broker: RabbitMQ, limits: Limits) -> Callable[[], Fleet]:
    from attune_infra.worker.survey import survey

    want = session.topology

    def look() -> Fleet:
        _meet(session, broker)
        with session.registry() as registry:
            return survey(broker, registry, want, limits)

    return look


def _meet(session: Session, broker: RabbitMQ) -> None:
    """Check which broker it is, if it has not answered before."""
    if session.met.target is None:
        session.note(broker.target())
