"""attune-infra worker list, attune-infra worker verify."""

from __future__ import annotations

from typing import Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._options import finite, shared
from attune_infra.cli._session import Session
from attune_infra.cli._worker_ids import read_worker_ids
from attune_infra.cli.worker._limits import DEFAULTS, MaxDepth, MaxHeartbeatAge
from attune_infra.cli.worker._options import Ids, some_ids
from attune_infra.fleet.fleet import Limits
from attune_infra.settings import Via

app = App()

_All = Annotated[bool, typer.Option("--all", help="All that the registry or the broker knows.")]
_Settle = Annotated[
    float,
    typer.Option(
        "--settle",
        min=0,
        help="Seconds in which a consumer may still show up: statistics come that late.",
        callback=finite,
    ),
]
_SETTLE = 8.0
"""Longer than the management statistics need for a consumer; 6 seconds were measured."""


@app.command("list")
@shared
def list_(
    session: Session,
    *,
    ids: Ids = None,
    max_depth: MaxDepth = DEFAULTS.depth,
    max_heartbeat_age: MaxHeartbeatAge = DEFAULTS.heartbeat_age,
) -> None:
    """Show each worker as the registry and the broker know it, side by side, with a verdict."""
    from attune_infra.worker.fleet import survey

    limits = Limits(depth=max_depth, heartbeat_age=max_heartbeat_age)
    worker_ids, want = read_worker_ids(ids or ()), session.topology
    with session.registry() as registry, session.broker(Via.HTTP) as broker:
        found = survey(broker, registry, want, limits, worker_ids=worker_ids)
        session.finish("worker-list", found)


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
    """Check that registry and broker agree about workers, and that each is well. Exit code 2 if not."""
    from attune_infra.worker.fleet import survey

    limits = Limits(depth=max_depth, heartbeat_age=max_heartbeat_age)
    worker_ids, want = () if all_ else some_ids(ids, otherwise="--all"), session.topology
    with session.registry() as registry, session.broker(Via.HTTP) as broker:
        found = survey(broker, registry, want, limits, worker_ids=worker_ids, settle=settle).verification()
        session.finish("worker-verify", found, found.exit_code)
