"""A registered worker."""

from __future__ import annotations

from collections.abc import Iterator

from attune_infra.fleet.register import RegisteredWorker
from attune_infra.render.data import Data
from attune_infra.render.text import Line


def lines(worker: RegisteredWorker) -> Iterator[Line]:
    yield Line(f"Worker registered with ID: {worker.id}")


def data(worker: RegisteredWorker) -> Data:
    return {"id": worker.id, "name": worker.name, "created": worker.created.isoformat(), "new": worker.new}
