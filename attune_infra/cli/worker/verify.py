"""attune-infra worker verify."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from attune_infra.cli._app import App
from attune_infra.cli._durations import duration_option
from attune_infra.cli._options import Workers
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.cli.worker._options import ids_or_all
from attune_infra.cli.worker._survey import DEFAULTS, MaxDepth, MaxHeartbeatAge, take_survey
from attune_infra.fleet.model import Limits

app = App()

_All = Annotated[bool, typer.Option("--all", help="Check all workers that the registry or the broker knows.")]
_Settle = Annotated[
    float,
    duration_option(
        "--settle", about="Time to wait for consumers to appear in the statistics, which lag behind: 8s."
    ),
]
_SETTLE: Final = 8.0
"""Longer than the management statistics need for a consumer: 6 seconds were measured."""


@app.command()
@shared(Uses.DISPLAY | Uses.TOPOLOGY | Uses.FILE | Uses.ONE_VHOST | Uses.BROKER | Uses.REGISTRY)
def verify(
    session: Session,
    *,
    worker: Workers = None,
    all_: _All = False,
    max_depth: MaxDepth = DEFAULTS.depth,
    max_heartbeat_age: MaxHeartbeatAge = DEFAULTS.heartbeat_age,
    settle: _Settle = _SETTLE,
) -> None:
    """Check that registry and broker agree, and that each worker is healthy. Exit code 2 if not."""
    from attune_infra.render.pages import verify as page

    limits = Limits(depth=max_depth, heartbeat_age=max_heartbeat_age)
    worker_ids = ids_or_all(worker, all_=all_)
    fleet = take_survey(session, limits, worker_ids=worker_ids, settle=settle)
    session.finish("worker-verify", page, fleet.verification())
