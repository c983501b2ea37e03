"""Many workers that were registered at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attune_infra.fleet.register import RegisteredWorkers
from attune_infra.render.pages import register
from attune_infra.render.text import Line
from attune_infra.render.words import ranges
from attune_infra.topology.words import counted

if TYPE_CHECKING:
    from attune_infra.contract.workers import RegisteredWorkersData


def lines(registered: RegisteredWorkers) -> Iterator[Line]:
    ids = ranges(worker.id for worker in registered.workers)
    yield Line(f"{counted(len(registered.workers), 'worker')} registered with IDs: {ids}")


def data(registered: RegisteredWorkers) -> RegisteredWorkersData:
    return {"workers": [register.data(worker) for worker in registered.workers]}
