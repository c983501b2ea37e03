"""attune-infra worker watch."""

from __future__ import annotations

from typing import Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._live import Every, require_live_view, show_live
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.cli.worker._survey import DEFAULTS, MaxDepth, MaxHeartbeatAge
from attune_infra.fleet.model import Limits

app = App()

_OnlyWrong = Annotated[bool, typer.Option("--only-wrong", help="Show only workers with findings at first.")]
_Filter = Annotated[
    str, typer.Option("--filter", metavar="TEXT", help="Show only workers with TEXT in their names.")
]


@app.command()
@shared(Uses.TOPOLOGY | Uses.FILE | Uses.ONE_VHOST | Uses.BROKER | Uses.REGISTRY | Uses.NO_END)
def watch(
    session: Session,
    *,
    every: Every = 2.0,
    only_wrong: _OnlyWrong = False,
    filter_: _Filter = "",
    max_depth: MaxDepth = DEFAULTS.depth,
    max_heartbeat_age: MaxHeartbeatAge = DEFAULTS.heartbeat_age,
) -> None:
    """Show all workers live, on the whole terminal: the view of `watch`, with the workers first."""
    require_live_view("worker list")
    from attune_infra.tui.views import View

    limits = Limits(depth=max_depth, heartbeat_age=max_heartbeat_age)
    view = View.of_workers(filter_, only_wrong=only_wrong)
    show_live(session, view, tab="workers", every=every, limits=limits)
