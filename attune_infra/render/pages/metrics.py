"""The fleet as Prometheus metrics, made with prometheus-client.

The number of series is bounded. A worker has series only while it is expected to work or owns a queue. Statuses
and findings are enumerations, and no label holds any part of a message.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from attune_infra.fleet.metrics import Measurement
from attune_infra.fleet.model import Finding, Fleet, FleetWorker
from attune_infra.render.data import Data, sort_data
from attune_infra.render.text import Line
from attune_infra.topology.verify import Verdict

_STATUSES: Final = ("active", "inactive", "busy", "error", "unregistered")
_WORKER_LABELS: Final = ("worker_id", "name")


def lines(measurement: Measurement) -> Iterator[Line]:
    yield from map(Line, exposition(measurement).splitlines())


def data(measurement: Measurement) -> Data:
    return {"samples": sort_data(samples(measurement))}


def families(measurement: Measurement) -> Iterator[GaugeMetricFamily]:
    """Yield the metric families of one measurement; only two if the fleet was unavailable."""
    fleet = measurement.fleet
    yield _gauge("attune_up", "1 if the broker and the registry answered, else 0.", fleet is not None)
    yield _gauge(
        "attune_verify_duration_seconds", "Seconds that this check of all workers took.", measurement.seconds
    )
    if fleet is not None:
        yield from _fleet_families(fleet)
        yield from _worker_families([worker for worker in fleet.workers if worker.expected or worker.queues])


def samples(measurement: Measurement) -> list[Data]:
    """Return the samples as plain data."""
    return [
        {"name": sample.name, "labels": dict(sample.labels), "value": sample.value}
        for family in families(measurement)
        for sample in family.samples
    ]


def exposition(measurement: Measurement) -> str:
    """Return the samples in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Measured(measurement))
    return generate_latest(registry).decode()


class _Measured(Collector):
    """The collector of one measurement that was made before."""

    def __init__(self, measurement: Measurement) -> None:
        self._measurement = measurement

    def collect(self) -> Iterable[GaugeMetricFamily]:
        return families(self._measurement)


def _fleet_families(fleet: Fleet) -> Iterator[GaugeMetricFamily]:
    verified = fleet.counts()[Verdict.FAILED] == 0
    yield _gauge("attune_verify_success", "1 if `worker verify --all` would pass, else 0.", verified)
    statuses = Counter(worker.member.status if worker.member else "unregistered" for worker in fleet.workers)
    yield _counts("attune_workers", "Workers by status in the registry.", "status", _STATUSES, statuses)
    findings = Counter(finding.code for worker in fleet.workers for finding in worker.findings)
    codes = [finding.code for finding in Finding]
    yield _counts("attune_worker_findings", "Workers by finding of `worker verify`.", "finding", codes, findings)
    orphans = sum(len(worker.queues) for worker in fleet.workers if worker.gone)
    yield _gauge(
        "attune_worker_orphaned_queues", "Queues of workers that are inactive or not registered.", orphans
    )


def _worker_families(workers: list[FleetWorker]) -> Iterator[GaugeMetricFamily]:
    measures = (
        ("queue_messages_ready", "Ready messages in the worker's queues.", lambda each: each.depth.ready),
        (
            "queue_messages_unacknowledged",
            "Messages delivered to the worker and not yet acknowledged.",
            lambda each: each.depth.unacknowledged,
        ),
        ("queue_consumers", "Consumers of the worker's queues.", lambda each: len(each.consumer_tags)),
        ("provisioned", "1 if the worker's queues exist and are bound, else 0.", lambda each: each.provisioned),
        (
            "healthy",
            "1 if no check of the worker failed, else 0.",
            lambda each: each.verdict is not Verdict.FAILED,
        ),
        (
            "heartbeat_age_seconds",
            "Seconds since the worker's last heartbeat.",
            lambda each: each.member and each.member.heartbeat_age,
        ),
    )
    for name, documentation, measure in measures:
        family = GaugeMetricFamily(f"attune_worker_{name}", documentation, labels=_WORKER_LABELS)
        for worker in workers:
            value = measure(worker)
            if value is not None:
                family.add_metric([str(worker.id), worker.member.name if worker.member else ""], float(value))
        yield family


def _gauge(name: str, documentation: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, documentation, value=float(value))


def _counts(
    name: str, documentation: str, label: str, known: Iterable[str], counts: Counter[Any]
) -> GaugeMetricFamily:
    """Return a family with a sample for every known value, so that series do not come and go."""
    family = GaugeMetricFamily(name, documentation, labels=(label,))
    for value in dict.fromkeys((*known, *counts)):
        family.add_metric([value], float(counts[value]))
    return family
