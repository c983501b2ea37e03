"""The table of workers."""

from __future__ import annotations

from collections.abc import Iterator

from attune_infra.fleet.registry import RegistryTable
from attune_infra.render.data import Data
from attune_infra.render.text import Line


def lines(table: RegistryTable) -> Iterator[Line]:
    yield Line("+ table worker: created" if table.new else "  table worker: unchanged")


def data(table: RegistryTable) -> Data:
    return {"table": "worker", "new": table.new}
