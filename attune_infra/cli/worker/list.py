"""attune-infra worker list."""

from __future__ import annotations

from shutil import get_terminal_size

from attune_infra.cli._app import App
from attune_infra.cli._options import Workers
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.cli._worker_ids import read_worker_ids
from attune_infra.cli.worker._survey import DEFAULTS, MaxDepth, MaxHeartbeatAge, take_survey
from attune_infra.fleet.model import Limits

app = App()


@app.command("list")
@shared(Uses.DISPLAY | Uses.TOPOLOGY | Uses.FILE | Uses.ONE_VHOST | Uses.BROKER | Uses.REGISTRY)
def list_(
    session: Session,
    *,
    worker: Workers = None,
    max_depth: MaxDepth = DEFAULTS.depth,
    max_heartbeat_age: MaxHeartbeatAge = DEFAULTS.heartbeat_age,
) -> None:
    """Show each worker in the registry and on the broker, side by side, with a verdict."""
    from attune_infra.render.pages import fleet as page

    limits = Limits(depth=max_depth, heartbeat_age=max_heartbeat_age)
    fleet = take_survey(session, limits, worker_ids=read_worker_ids(worker or ()))
    session.finish("worker-list", page, page.Listing(fleet, get_terminal_size().columns))
