"""attune-infra worker prune."""

from __future__ import annotations

from attune_infra.cli._app import App
from attune_infra.cli._options import DryRun, shared
from attune_infra.cli._session import Session
from attune_infra.cli.worker._leftovers import EvenIfUsed, Yes, ask_to_remove, finish_dry_run, finish_removal
from attune_infra.cli.worker._survey import DEFAULTS

app = App()
_COMMAND = "worker-prune"


@app.command()
@shared
def prune(
    session: Session, *, dry_run: DryRun = False, even_if_used: EvenIfUsed = False, yes: Yes = False
) -> None:
    """Delete the queues of workers that are gone, and foreign bindings of workers' queues, after asking."""
    from attune_infra.fleet.leftovers import leftovers_of_gone_workers
    from attune_infra.worker.survey import survey

    want = session.topology
    with session.registry() as registry, session.broker(writes=True) as broker:
        fleet = survey(broker, registry, want, DEFAULTS)
        found = leftovers_of_gone_workers(fleet, want, even_if_used=even_if_used)
        if dry_run or not found.items:
            finish_dry_run(session, _COMMAND, found)
        if not yes:
            ask_to_remove(found)
        finish_removal(session, _COMMAND, found, broker)
