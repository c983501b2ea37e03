"""How much a worker may lag behind before it is told."""

from __future__ import annotations

from typing import Annotated

import typer

from attune_infra.cli._options import finite
from attune_infra.fleet.fleet import Limits

MaxDepth = Annotated[
    int, typer.Option("--max-depth", min=0, help="Messages that may be waiting in one worker's queues.")
]
MaxHeartbeatAge = Annotated[float, typer.Option("--max-heartbeat-age", min=1, help="Seconds.", callback=finite)]

DEFAULTS = Limits()
