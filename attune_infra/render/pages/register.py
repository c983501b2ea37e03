"""A registered worker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attune_infra.fleet.register import RegisteredWorker
from attune_infra.render.text import Line

if TYPE_CHECKING:
    from attune_infra.contract.workers import RegisteredData


def lines(worker: RegisteredWorker) -> Iterator[Line]:
    yield Line(f"Worker registered with ID: {worker.id}")


def data(worker: RegisteredWorker) -> RegisteredData:
    return {"id": worker.id, "name": worker.name, "created": worker.created.isoformat(), "new": worker.new}
