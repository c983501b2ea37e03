"""attune-infra worker prune."""

from __future__ import annotations

from attune_infra.cli._app import App
from attune_infra.cli._consent import Expect, MaxDeletes, UndoFile, Yes
from attune_infra.cli._options import DryRun
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.cli.worker._leftovers import EvenIfUsed, Removal
from attune_infra.cli.worker._survey import DEFAULTS

app = App()


@app.command()
@shared(Uses.DISPLAY | Uses.TOPOLOGY | Uses.FILE | Uses.ONE_VHOST | Uses.BROKER | Uses.REGISTRY)
def prune(
    session: Session,
    *,
    dry_run: DryRun = False,
    expect: Expect = None,
    even_if_used: EvenIfUsed = False,
    max_deletes: MaxDeletes = None,
    undo_file: UndoFile = None,
    yes: Yes = False,
) -> None:
    """Delete the queues of workers that are gone, and foreign bindings of workers' queues, after asking."""
    from attune_infra.fleet.leftovers import leftovers_of_gone_workers
    from attune_infra.topology.planning.consent import DEFAULT_THRESHOLD as SHARE
    from attune_infra.worker.survey import survey

    session = session.with_reading()
    want = session.topology
    removal = Removal(session, "worker-prune", dry_run, expect, max_deletes, undo_file, yes, share=SHARE)
    with session.registry() as registry, session.broker(writes=True) as broker:
        fleet = survey(broker, registry, want, DEFAULTS)
        found = leftovers_of_gone_workers(fleet, want, even_if_used=even_if_used)
        removal.carry_out(found, fleet, broker)
