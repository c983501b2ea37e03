"""Workers that were set inactive."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attune_infra.fleet.deregister import DeregisteredWorkers
from attune_infra.render.text import Line

if TYPE_CHECKING:
    from attune_infra.contract.workers import DeregisteredData


def lines(deregistered: DeregisteredWorkers) -> Iterator[Line]:
    for worker in deregistered.workers:
        yield Line(f"~ worker {worker.id} ({worker.name}): inactive", "yellow")


def data(deregistered: DeregisteredWorkers) -> DeregisteredData:
    return {"workers": [{"id": worker.id, "name": worker.name} for worker in deregistered.workers]}
