"""attune-infra migrate."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from attune_infra.cli._app import App
from attune_infra.cli._consent import Expect, Yes, ask_to_delete, confirm_target
from attune_infra.cli._options import DryRun
from attune_infra.cli._output import tell
from attune_infra.cli._progress import busy, progress
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.errors import InvalidInput, WrongUsage
from attune_infra.operations.migrate import Consumers, Manner

if TYPE_CHECKING:
    from attune_infra.broker.rabbitmq import RabbitMQ
    from attune_infra.messages.migrations import Migrations
    from attune_infra.topology.model import Queue, Topology

app = App()

Queues = Annotated[
    list[str], typer.Argument(metavar="QUEUE...", help="Queues to migrate, as the broker has them.")
]
To = Annotated[
    str | None, typer.Option("--to", metavar="NAME", help="Give the queue another name.", show_default=False)
]
TreatConsumers = Annotated[
    Consumers | None,
    typer.Option(
        "--consumers",
        help="Cancel the consumers once their queue is empty, or wait until they have gone. Without it, a queue "
        "with consumers is not migrated.",
        show_default=False,
    ),
]
PauseAbove = Annotated[
    float | None,
    typer.Option("--pause-above", metavar="RATE", min=1, help="Pause so as to move no more messages a second."),
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit", min=1, help="Stop after so many messages; the same command goes on.", show_default=False
    ),
]


@app.command()
@shared(Uses.RESULT | Uses.TOPOLOGY | Uses.ONE_VHOST | Uses.BROKER)
def migrate(
    session: Session,
    queue: Queues,
    *,
    to: To = None,
    dry_run: DryRun = False,
    expect: Expect = None,
    consumers: TreatConsumers = None,
    pause_above: PauseAbove = None,
    limit: Limit = None,
    yes: Yes = False,
) -> None:
    """Bring queues to what the document wants, or to another name, and lose no message.

    A migration that was cut goes on when the same command runs again.
    """
    if to is not None and len(queue) > 1:
        raise WrongUsage(f"--to names one queue, and {len(queue)} are given", hint="migrate one after another")
    manner = Manner(consumers=consumers, rate=pause_above, limit=limit)
    session = session.with_reading()
    with session.broker(writes=True) as broker:
        plan = _plan(session, broker, queue, to, manner)
        if dry_run:
            _finish(session, plan)
        _agree(session, plan, expect=expect, yes=yes)
        _finish(session, _carry_out(broker, plan, manner))


def _plan(session: Session, broker: RabbitMQ, queues: list[str], to: str | None, manner: Manner) -> Migrations:
    from attune_infra.operations.migrate import plan_migrations

    with busy("comparing"):
        have, document = broker.read(private=True), session.topology_on(broker)
        manner = replace(manner, protected=document.demands.protect)
        return plan_migrations(broker, have, {name: _wanted(name, to, have, document) for name in queues}, manner)


def _wanted(name: str, to: str | None, have: Topology, document: Topology) -> Queue:
    """Return the wanted queue: as the document declares it, or, if only the name changes, as it is."""
    from attune_infra.topology.words import guess

    if (found := document.queues.get(to or name)) is not None:
        return replace(found, type=have.type_of(found))
    if to is not None and (old := have.queues.get(name)) is not None:
        return replace(old, name=to, state=None)
    raise InvalidInput(
        f"the document has no queue {to or name}{guess(to or name, document.queues)}",
        hint="name a queue of the document, or give the document that declares it with --topology",
    )


def _agree(session: Session, plan: Migrations, *, expect: str | None, yes: bool) -> None:
    """Raise if a migration is impossible or not agreed to."""
    from attune_infra.render.pages import migrate as page
    from attune_infra.topology.planning.digest import insist_on_digest

    plan.check_possible()
    insist_on_digest(plan.digest, expect, again="`attune-infra migrate --dry-run`")
    if not any(each.steps for each in plan.queues):
        return
    confirm_target(session, expect=expect)
    if not yes:
        hint = "look at the plan with --dry-run; then give --yes"
        ask_to_delete(session, page.lines(plan), page.question(plan), hint=hint)


def _carry_out(broker: RabbitMQ, plan: Migrations, manner: Manner) -> Migrations:
    from attune_infra.operations.migrate import migrate as carry_out

    broker.check_same_cluster()
    with progress("moving messages") as watch:
        return carry_out(
            broker, plan, manner, tell=tell, watch=lambda moved: watch(moved, max(moved, plan.messages))
        )


def _finish(session: Session, plan: Migrations) -> NoReturn:
    from attune_infra.render.pages import migrate as page

    session.finish("migrate", page, plan)
