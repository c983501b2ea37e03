"""attune-infra worker deprovision."""

from __future__ import annotations

from attune_infra.cli._app import App
from attune_infra.cli._consent import Expect, MaxDeletes, UndoFile, Yes
from attune_infra.cli._options import DryRun, Workers
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.cli.worker._leftovers import EvenIfUsed, Removal
from attune_infra.cli.worker._options import require_ids
from attune_infra.cli.worker._survey import DEFAULTS

app = App()


@app.command()
@shared(Uses.DISPLAY | Uses.TOPOLOGY | Uses.FILE | Uses.ONE_VHOST | Uses.BROKER | Uses.REGISTRY)
def deprovision(
    session: Session,
    *,
    worker: Workers = None,
    dry_run: DryRun = False,
    expect: Expect = None,
    even_if_used: EvenIfUsed = False,
    max_deletes: MaxDeletes = None,
    undo_file: UndoFile = None,
    yes: Yes = False,
) -> None:
    """Delete the queues of workers, if they are empty and unused, after asking. The registry stays."""
    from attune_infra.fleet.leftovers import queues_of_workers
    from attune_infra.worker.survey import survey

    worker_ids, session = require_ids(worker, otherwise="--id 1-20"), session.with_reading()
    want = session.topology
    removal = Removal(session, "worker-deprovision", dry_run, expect, max_deletes, undo_file, yes)
    with session.registry_if_configured() as registry, session.broker(writes=True) as broker:
        fleet = survey(broker, registry, want, DEFAULTS, worker_ids=worker_ids)
        removal.carry_out(queues_of_workers(fleet, even_if_used=even_if_used), fleet, broker)
