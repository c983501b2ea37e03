"""Many workers that were registered at once, and then provisioned."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attune_infra.errors import ExitCode
from attune_infra.fleet.enlist import EnlistedWorkers
from attune_infra.render.pages import provision, register, registered
from attune_infra.render.text import Line
from attune_infra.render.words import ranges

if TYPE_CHECKING:
    from attune_infra.contract.workers import EnlistedWorkersData


def lines(enlisted: EnlistedWorkers) -> Iterator[Line]:
    yield from provision.lines(enlisted.provisioned)
    yield from registered.lines(enlisted.registered)
    if enlisted.exit_code is not ExitCode.DONE:
        ids = ranges(enlisted.provisioned.worker_ids).replace(", ", ",")
        again = f"`attune-infra worker provision --id {ids}`"
        yield Line(f"! all of them stay registered: {again} goes on from here", "red")


def data(enlisted: EnlistedWorkers) -> EnlistedWorkersData:
    return {
        **provision.data(enlisted.provisioned),
        "rows": [register.data(worker) for worker in enlisted.registered.workers],
    }
