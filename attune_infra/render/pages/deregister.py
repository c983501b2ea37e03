"""Workers that were set inactive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from attune_infra.fleet.deregister import DeregisteredWorkers
from attune_infra.render.data import Data
from attune_infra.render.text import Line


def lines(deregistered: DeregisteredWorkers) -> Iterator[Line]:
    for worker in deregistered.workers:
        yield Line(f"~ worker {worker.id} ({worker.name}): inactive", "yellow")


def data(deregistered: DeregisteredWorkers) -> Data:
    return {"workers": [asdict(worker) for worker in deregistered.workers]}
