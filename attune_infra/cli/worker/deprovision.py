"""attune-infra worker deprovision."""

from __future__ import annotations

from attune_infra.cli._app import App
from attune_infra.cli._options import DryRun, shared
from attune_infra.cli._session import Session
from attune_infra.cli.worker._leftovers import EvenIfUsed, Yes, ask_to_remove, finish_dry_run, finish_removal
from attune_infra.cli.worker._options import Ids, require_ids
from attune_infra.cli.worker._survey import DEFAULTS

app = App()
_COMMAND = "worker-deprovision"


@app.command()
@shared
def deprovision(
    session: Session,
    *,
    ids: Ids = None,
    dry_run: DryRun = False,
    even_if_used: EvenIfUsed = False,
    yes: Yes = False,
) -> None:
    """Delete the queues of workers, if they are empty and unused. The registry is not changed."""
    from attune_infra.fleet.leftovers import queues_of_workers
    from attune_infra.worker.survey import survey

    worker_ids, want = require_ids(ids, otherwise="--id 1-20"), session.topology
    with session.registry_if_configured() as registry, session.broker(writes=True) as broker:
        fleet = survey(broker, registry, want, DEFAULTS, worker_ids=worker_ids)
        found = queues_of_workers(fleet, even_if_used=even_if_used)
        if dry_run or not found.items:
            finish_dry_run(session, _COMMAND, found)
        if even_if_used and not yes:
            ask_to_remove(found)
        finish_removal(session, _COMMAND, found, broker)
