"""The table of workers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attune_infra.fleet.registry import RegistryTable
from attune_infra.render.text import Line

if TYPE_CHECKING:
    from attune_infra.contract.workers import RegistryData


def lines(table: RegistryTable) -> Iterator[Line]:
    yield Line("+ table worker: created" if table.new else "  table worker: unchanged")


def data(table: RegistryTable) -> RegistryData:
    return {"table": "worker", "new": table.new}
