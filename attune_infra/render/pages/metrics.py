"""The fleet as Prometheus sees it: metric families, made with prometheus-client.

Series are bounded by what there is: a worker has some only while it is expected to work or owns a queue; statuses
and findings are enumerations; no label holds what a message says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from threading import Lock
from typing import Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from attune_infra.fleet.fleet import Finding, Fleet, FleetWorker
from attune_infra.interfaces import Measurement
from attune_infra.render.data import Data, in_order
from attune_infra.render.text import Line
from attune_infra.topology.verify import Verdict

_STATUSES: Final = ("active", "inactive", "busy", "error", "unregistered")
_OF_WORKER: Final = ("worker_id", "name")


def lines(measurement: Measurement) -> Iterator[Line]:
    yield from map(Line, exposition(measurement).splitlines())


def data(measurement: Measurement) -> Data:
    return {"samples": in_order(samples(measurement))}


def families(measurement: Measurement) -> Iterator[GaugeMetricFamily]:
    """Yield all metrics of one look; without the fleet where it could not be looked at."""
    fleet = measurement.fleet
    yield _gauge("attune_up", "Whether broker and registry could be looked at.", fleet is not None)
    yield _gauge("attune_verify_duration_seconds", "How long that took.", measurement.seconds)
    if fleet is not None:
        yield from _of_fleet(fleet)
        yield from _of_workers([each for each in fleet.workers if each.expected or each.queues])


def samples(measurement: Measurement) -> list[Data]:
    """Return the same as plain data."""
    return [
        {"name": sample.name, "labels": dict(sample.labels), "value": sample.value}
        for family in families(measurement)
        for sample in family.samples
    ]


def exposition(measurement: Measurement) -> str:
    """Return the same in Prometheus' text format."""
    return generate_latest(registry_of(lambda: measurement)).decode()


def registry_of(measure: Callable[[], Measurement]) -> CollectorRegistry:
    """Return what prometheus-client serves: a measurement of its own for each request, one at a time."""
    registry = CollectorRegistry()
    registry.register(_Looker(measure))
    return registry


class _Looker(Collector):
    def __init__(self, measure: Callable[[], Measurement]) -> None:
        self._measure, self._lock = measure, Lock()

    def describe(self) -> Iterable[GaugeMetricFamily]:
        return ()  # or registering would measure

    def collect(self) -> Iterable[GaugeMetricFamily]:
        with self._lock:
            measurement = self._measure()
        return families(measurement)


def _of_fleet(fleet: Fleet) -> Iterator[GaugeMetricFamily]:
    verified = fleet.counts()[Verdict.FAILED] == 0
    yield _gauge("attune_verify_success", "Whether `worker verify --all` would find nothing.", verified)
    statuses = Counter(each.member.status if each.member else "unregistered" for each in fleet.workers)
    yield _labelled("attune_workers", "Workers by what the registry calls them.", "status", _STATUSES, statuses)
    findings = Counter(finding for each in fleet.workers for finding in each.findings)
    yield _labelled("attune_worker_findings", "Workers by what is wrong with them.", "finding", Finding, findings)
    orphans = sum(len(each.queues) for each in fleet.workers if each.gone)
    yield _gauge("attune_worker_orphaned_queues", "Queues of workers that are gone.", orphans)


def _of_workers(workers: list[FleetWorker]) -> Iterator[GaugeMetricFamily]:
    measures = (
        ("queue_messages_ready", "Messages that wait in a worker's queues.", lambda each: each.depth.ready),
        (
            "queue_messages_unacknowledged",
            "Messages that a worker was handed and has not acknowledged.",
            lambda each: each.depth.unacknowledged,
        ),
        ("queue_consumers", "Consumers of a worker's queues.", lambda each: len(each.consumer_tags)),
        ("provisioned", "Whether a worker's queues are there and bound.", lambda each: each.provisioned),
        ("healthy", "Whether nothing was found wrong.", lambda each: each.verdict is not Verdict.FAILED),
        (
            "heartbeat_age_seconds",
            "How old a worker's heartbeat is.",
            lambda each: each.member and each.member.heartbeat_age,
        ),
    )
    for name, documentation, measure in measures:
        family = GaugeMetricFamily(f"attune_worker_{name}", documentation, labels=_OF_WORKER)
        for each in workers:
            value = measure(each)
            if value is not None:
                family.add_metric([str(each.id), each.member.name if each.member else ""], float(value))
        yield family


def _gauge(name: str, documentation: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, documentation, value=float(value))


def _labelled(
    name: str, documentation: str, label: str, known: Iterable[str], counts: Counter[Any]
) -> GaugeMetricFamily:
    """Return a family with every known value, so that none appears out of nothing."""
    family = GaugeMetricFamily(name, documentation, labels=(label,))
    for value in dict.fromkeys((*known, *counts)):
        family.add_metric([str(value)], float(counts[value]))
    return family
