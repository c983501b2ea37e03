"""attune-infra watch."""

from __future__ import annotations

from attune_infra.cli._app import App
from attune_infra.cli._live import Every, require_live_view, show_live
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.cli.queues import Filter, Reverse, Sort
from attune_infra.cli.worker._survey import DEFAULTS, MaxDepth, MaxHeartbeatAge
from attune_infra.fleet.model import Limits
from attune_infra.fleet.queues import Column

app = App()


@app.command()
@shared(Uses.TOPOLOGY | Uses.FILE | Uses.ONE_VHOST | Uses.BROKER | Uses.REGISTRY | Uses.NO_END)
def watch(
    session: Session,
    *,
    every: Every = 5.0,
    filter_: Filter = "",
    sort: Sort = Column.VERDICT,
    reverse: Reverse = False,
    max_depth: MaxDepth = DEFAULTS.depth,
    max_heartbeat_age: MaxHeartbeatAge = DEFAULTS.heartbeat_age,
) -> None:
    """Show queues and workers live, on the whole terminal: findings, rates, details, a message's way."""
    require_live_view("queues")
    from attune_infra.tui.views import View

    limits = Limits(depth=max_depth, heartbeat_age=max_heartbeat_age)
    view = View(text=filter_, sort=sort, reverse=reverse)
    show_live(session, view, tab="queues", every=every, limits=limits)
