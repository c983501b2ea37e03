"""attune-infra worker deprovision, attune-infra worker prune."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._consent import insist
from attune_infra.cli._options import DryRun, shared
from attune_infra.cli._session import Session
from attune_infra.cli.worker._limits import DEFAULTS
from attune_infra.cli.worker._options import Ids, some_ids

if TYPE_CHECKING:
    from attune_infra.broker.rabbitmq import RabbitMQ
    from attune_infra.fleet.leftovers import Leftovers

app = App()

_EvenIfUsed = Annotated[
    bool, typer.Option("--even-if-used", help="Also what holds messages, which are lost, or has consumers.")
]
_Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command()
@shared
def deprovision(
    session: Session,
    *,
    ids: Ids = None,
    dry_run: DryRun = False,
    even_if_used: _EvenIfUsed = False,
    yes: _Yes = False,
) -> None:
    """Delete the queues of workers, if they are empty and unused. The registry is left as it is."""
    from attune_infra.fleet.leftovers import of_workers
    from attune_infra.worker.fleet import survey

    worker_ids, want = some_ids(ids, otherwise="--id 1-20"), session.topology
    with session.registry_if_configured() as registry, session.broker() as broker:
        found = of_workers(survey(broker, registry, want, DEFAULTS, worker_ids=worker_ids))
        if not dry_run and even_if_used:
            insist(found, yes=yes)
        _remove(session, "worker-deprovision", found, broker, dry_run=dry_run, even_if_used=even_if_used)


@app.command()
@shared
def prune(
    session: Session, *, dry_run: DryRun = False, even_if_used: _EvenIfUsed = False, yes: _Yes = False
) -> None:
    """Delete the queues of workers that are gone, and unbind what is not a worker's own, after asking."""
    from attune_infra.fleet.leftovers import of_the_gone
    from attune_infra.worker.fleet import survey

    want = session.topology
    with session.registry() as registry, session.broker() as broker:
        found = of_the_gone(survey(broker, registry, want, DEFAULTS), want)
        if found.items and not dry_run:
            insist(found, yes=yes)
        _remove(session, "worker-prune", found, broker, dry_run=dry_run, even_if_used=even_if_used)


def _remove(
    session: Session, command: str, found: Leftovers, broker: RabbitMQ, *, dry_run: bool, even_if_used: bool
) -> None:
    from attune_infra.worker.prune import remove

    if dry_run or not found.items:
        session.finish(command, found, found.foreseen_exit_code(even_if_used=even_if_used))
    report = remove(found, broker, even_if_used=even_if_used)
    session.finish(command, report, report.exit_code)
