"""The fleet, one worker on each line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attune_infra.fleet.model import Fleet, FleetWorker
from attune_infra.render.data import Data
from attune_infra.render.text import Line, align
from attune_infra.render.words import visible
from attune_infra.topology.verify import Verdict
from attune_infra.topology.words import counted

HEADINGS: Final = (
    "",
    "id",
    "name",
    "status",
    "heartbeat",
    "queue",
    "bound",
    "consumers",
    "ready",
    "unacked",
    "verdict",
)
_NUMBER_COLUMNS: Final = frozenset({1, 4, 7, 8, 9})
_SIGNS: Final = {Verdict.PASSED: "", Verdict.WARNING: "~", Verdict.FAILED: "!"}
STYLES: Final = {Verdict.PASSED: "", Verdict.WARNING: "yellow", Verdict.FAILED: "red"}
_MAX_NAME_LENGTH: Final = 24
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def lines(fleet: Fleet) -> Iterator[Line]:
    styles = ["", *(STYLES[worker.verdict] for worker in fleet.workers)]
    texts = align([HEADINGS, *map(cells, fleet.workers)], right=_NUMBER_COLUMNS)
    yield from map(Line, texts, styles)
    yield Line(summary(fleet))


def data(fleet: Fleet) -> Data:
    return {"workers": [_worker_data(worker) for worker in fleet.workers]}


def cells(worker: FleetWorker) -> tuple[str, ...]:
    """Return the cells of one worker, one for each of `HEADINGS`."""
    member = worker.member
    return (
        _SIGNS[worker.verdict],
        str(worker.id),
        _shorten(visible(member.name)) if member else "-",
        _status(worker),
        age(member.heartbeat_age) if member else "-",
        _queues_in_words(worker),
        "yes" if worker.bound else "no",
        str(len(worker.consumer_tags)),
        str(worker.depth.ready),
        str(worker.depth.unacknowledged),
        ", ".join(worker.findings) or "ok",
    )


def summary(fleet: Fleet) -> str:
    counts = fleet.counts()
    words = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])
    return counted(len(fleet.workers), "worker") + (f": {words}" if words else "")


def age(seconds: float | None) -> str:
    """Return an age in its largest unit: `3 h`, or `never`."""
    if seconds is None:
        return "never"
    for unit, length in (("d", _DAY), ("h", _HOUR), ("min", _MINUTE)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def _queues_in_words(worker: FleetWorker) -> str:
    existing = len(worker.queues)
    if existing == worker.wanted_queues:
        return "yes"
    return f"{existing} of {worker.wanted_queues}" if existing else "no"


def _status(worker: FleetWorker) -> str:
    if worker.member is None:
        return "unregistered"
    return f"{worker.member.status} (cordoned)" if worker.member.cordoned else worker.member.status


def _worker_data(worker: FleetWorker) -> Data:
    member = worker.member
    return {
        "id": worker.id,
        "name": member and member.name,
        "status": member and member.status,
        "cordoned": member is not None and member.cordoned,
        "heartbeat_age_seconds": member and member.heartbeat_age,
        "queues": [queue.name for queue in worker.queues],
        "queue_present": len(worker.queues) == worker.wanted_queues,
        "bound": worker.bound,
        "consumers": list(worker.consumer_tags),
        "ready": worker.depth.ready,
        "unacknowledged": worker.depth.unacknowledged,
        "verdict": str(worker.verdict),
        "findings": [{"finding": str(reason.finding), "detail": reason.detail} for reason in worker.reasons],
    }


def _shorten(name: str) -> str:
    return name if len(name) <= _MAX_NAME_LENGTH else f"{name[: _MAX_NAME_LENGTH - 1]}…"
