"""The table of workers and its rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TypeAlias, assert_never

from attune_infra.interfaces import DeregisteredWorkers, RegisteredWorker, RegistryTable
from attune_infra.render.data import Data
from attune_infra.render.text import Line

_Shown: TypeAlias = RegistryTable | RegisteredWorker | DeregisteredWorkers


def lines(shown: _Shown) -> Iterator[Line]:
    match shown:
        case RegistryTable():
            yield Line("+ table worker: created" if shown.new else "  table worker: unchanged")
        case RegisteredWorker():
            yield Line(f"Worker registered with ID: {shown.id}")
        case DeregisteredWorkers():
            yield from (Line(f"~ worker {each.id} ({each.name}): inactive", "yellow") for each in shown.workers)
        case _:
            assert_never(shown)


def data(shown: _Shown) -> Data:
    match shown:
        case RegistryTable():
            return {"table": "worker", "new": shown.new}
        case RegisteredWorker():
            return {"id": shown.id, "name": shown.name, "created": shown.created.isoformat(), "new": shown.new}
        case DeregisteredWorkers():
            return {"workers": [asdict(each) for each in shown.workers]}
        case _:
            assert_never(shown)
