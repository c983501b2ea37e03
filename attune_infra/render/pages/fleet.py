"""The fleet, one worker on each line."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Final

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode
from attune_infra.fleet.model import Fleet, FleetWorker, Reason
from attune_infra.links import code_url
from attune_infra.render.text import (
    UNKNOWN,
    Cell,
    Line,
    first_of,
    heading_line,
    idle_time,
    number,
    rest_of,
    row_line,
)
from attune_infra.topology.verify import Verdict
from attune_infra.topology.words import counted

if TYPE_CHECKING:
    from attune_infra.contract.workers import FleetData, WorkerData, WorkerFindingData

_MIN_NAME_WIDTH: Final = 12
_MAX_NAME_WIDTH: Final = 40


@dataclass(frozen=True, slots=True)
class Listing:
    """Workers, and the width to show them in, in characters."""

    fleet: Fleet
    width: int = 80

    @property
    def exit_code(self) -> ExitCode:
        return self.fleet.exit_code


def lines(listing: Listing) -> Iterator[Line]:
    yield Line(heading(listing.width), "bold")
    for worker in listing.fleet.workers:
        yield row(worker, listing.width)
    yield Line(summary(listing.fleet))


def heading(width: int) -> str:
    return heading_line(_cells(width))


def row(worker: FleetWorker, width: int) -> Line:
    """Return the line of a worker; the name gets the rest of the width."""
    return row_line(worker, worker.verdict, _cells(width))


def data(listing: Listing) -> FleetData:
    return {"workers": [_worker_data(worker) for worker in listing.fleet.workers]}


@cache
def _cells(width: int) -> tuple[Cell[FleetWorker], ...]:
    cells: tuple[Cell[FleetWorker], ...] = (
        Cell("verdict", 20, False, lambda worker: first_of(worker.findings)),
        Cell("id", 6, True, lambda worker: str(worker.id)),
        Cell("name", 0, False, lambda worker: worker.member.name if worker.member else UNKNOWN),
        Cell("status", 8, False, _status),
        Cell("beat", 5, True, _beat),
        Cell("ready", 5, True, lambda worker: number(worker.depth.ready)),
        Cell("unack", 5, True, lambda worker: number(worker.depth.unacknowledged)),
        Cell("cons", 4, True, lambda worker: str(len(worker.consumer_tags))),
    )
    name_width = max(min(rest_of(width, cells), _MAX_NAME_WIDTH), _MIN_NAME_WIDTH)
    return tuple(cell if cell.width else cell._replace(width=name_width) for cell in cells)


def _beat(worker: FleetWorker) -> str:
    if worker.member is None:
        return UNKNOWN
    since = worker.member.since_heartbeat
    return "never" if since is None else idle_time(since)


def summary(fleet: Fleet) -> str:
    counts = fleet.counts()
    words = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])
    return counted(len(fleet.workers), "worker") + (f": {words}" if words else "")


def _status(worker: FleetWorker) -> str:
    if worker.member is None:
        return UNKNOWN
    return "cordoned" if worker.member.cordoned else worker.member.status


def _worker_data(worker: FleetWorker) -> WorkerData:
    member = worker.member
    return {
        "id": worker.id,
        "name": member.name if member else None,
        "status": member.status if member else None,
        "cordoned": member is not None and member.cordoned,
        "heartbeat_age_seconds": member.since_heartbeat if member else None,
        "queues": [queue.name for queue in worker.queues],
        "queue_present": len(worker.queues) == worker.wanted_queues,
        "bound": worker.bound,
        "consumers": list(worker.consumer_tags),
        "ready": worker.depth.ready,
        "unacknowledged": worker.depth.unacknowledged,
        "verdict": worker.verdict,
        "findings": [_finding_data(reason) for reason in worker.reasons],
    }


def _finding_data(reason: Reason) -> WorkerFindingData:
    return {
        "code": reason.finding.check_code,
        "url": code_url(reason.finding.check_code),
        "finding": reason.finding,
        "verdict": reason.verdict,
        "detail": reason.detail,
        "hint": reason.hint,
    }
