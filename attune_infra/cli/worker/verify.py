"""attune-infra worker verify."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from attune_infra.cli._app import App
from attune_infra.cli._options import require_finite, shared
from attune_infra.cli._session import Session
from attune_infra.cli.worker._options import Ids, require_ids
from attune_infra.cli.worker._survey import DEFAULTS, MaxDepth, MaxHeartbeatAge, take_survey
from attune_infra.fleet.model import Limits

app = App()

_All = Annotated[bool, typer.Option("--all", help="Check all workers that the registry or the broker knows.")]
_Settle = Annotated[
    float,
    typer.Option(
        "--settle",
        min=0,
        help="Seconds to wait for consumers to appear in the statistics, which lag behind.",
        callback=require_finite,
    ),
]
_SETTLE: Final = 8.0
"""Longer than the management statistics need for a consumer: 6 seconds were measured."""


@app.command()
@shared
def verify(
    session: Session,
    *,
    ids: Ids = None,
    all_: _All = False,
    max_depth: MaxDepth = DEFAULTS.depth,
    max_heartbeat_age: MaxHeartbeatAge = DEFAULTS.heartbeat_age,
    settle: _Settle = _SETTLE,
) -> None:
    """Check that registry and broker agree, and that each worker is healthy. Exit code 2 if not."""
    from attune_infra.render.pages import verify as page

    limits = Limits(depth=max_depth, heartbeat_age=max_heartbeat_age)
    worker_ids = () if all_ else require_ids(ids, otherwise="--all")
    fleet = take_survey(session, limits, worker_ids=worker_ids, settle=settle)
    session.finish("worker-verify", page, fleet.verification())
