"""The survey of registry and broker that several commands begin with, and its limits as options."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated

import typer

from attune_infra.cli._durations import duration_option
from attune_infra.cli._progress import busy
from attune_infra.cli._session import Session
from attune_infra.fleet.model import Limits
from attune_infra.settings import Via

if TYPE_CHECKING:
    from attune_infra.fleet.model import Fleet

MaxDepth = Annotated[
    int, typer.Option("--max-depth", min=0, help="Ready messages of one worker that are healthy.")
]
MaxHeartbeatAge = Annotated[
    float,
    duration_option(
        "--max-heartbeat-age", about="Time since a worker's heartbeat that is healthy: 90s, 2m.", minimum=1
    ),
]

DEFAULTS = Limits()


def take_survey(
    session: Session, limits: Limits, *, worker_ids: Collection[int] = (), settle: float = 0.0
) -> Fleet:
    """Return all workers, or those of the ids; wait up to `settle` seconds for statistics that lag."""
    from attune_infra.worker.survey import survey

    session = session.with_reading()
    want = session.topology
    with session.registry() as registry, session.broker(Via.HTTP) as broker, busy("looking at the workers"):
        return survey(broker, registry, want, limits, worker_ids=worker_ids, settle=settle)
