"""A measurement, and the metrics that are made of one."""

from __future__ import annotations

import re

from attune_infra.fleet.health import examine
from attune_infra.fleet.inspection import SeenBroker, inspect
from attune_infra.fleet.metrics import LastVerify, Measurement, QueueStatistics
from attune_infra.fleet.model import Depth, Limits, Member, Sighting
from attune_infra.render.pages.metrics import exposition, samples
from attune_infra.topology.builtin import attune
from attune_infra.topology.model import Queue
from attune_infra.topology.worker import with_workers

MEMBERS = {
    1: Member(id=1, name='we"ll\n', status="active", heartbeat_age=3.0),
    3: Member(id=3, name="retired", status="inactive", heartbeat_age=9e9),
}
SIGHTING = Sighting(
    topology=with_workers(attune(), [1, 2]).plus([Queue(name="stranger", state="down")]),
    depths={
        "worker.1.executions": Depth(4, 2),
        "attune.dlx.queue": Depth(5, 1),
        "attune.events.queue": Depth(0, 0),
    },
    consumer_tags={"worker.1.executions": ("worker-1",), "attune.events.queue": ("a", "b")},
    members=MEMBERS,
)
SEEN = SeenBroker(
    version="4.3.6",
    sighting=SIGHTING,
    statistics={
        "attune.dlx.queue": QueueStatistics(oldest=900.0, redelivered=7),
        "attune.events.queue": QueueStatistics(oldest=None, redelivered=None),
    },
    now=1000.0,
)


def measured() -> Measurement:
    """A measurement with a worker that is well, an orphan, one that was retired long ago, and a strange queue."""
    inspection = inspect(SEEN, attune())
    return Measurement(
        examine(SIGHTING, attune(), Limits()),
        0.5,
        inspection=inspection,
        certificates={"amqps": 2e9},
        verified=LastVerify(1000.0, inspection.checks),
        registry_answers=True,
    )


def known_metrics() -> set[str]:
    """Return the names of the metrics, and of those with a suffix as they are in expressions."""
    families = re.findall(r"^# TYPE (\w+) (?:gauge|counter)$", exposition(measured()), re.MULTILINE)
    return {*families, *(each["name"] for each in samples(measured()))}
