"""A measurement, or those of several virtual hosts, as Prometheus metrics, made with prometheus-client.

The number of series is bounded. A queue has series only if the document declares it, and a worker only while it is
expected to work or owns a queue. Other labels are enumerations, and none holds any part of a message.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from attune_infra.fleet.metrics import (
    Drift,
    Inspection,
    LastVerify,
    MeasuredQueue,
    Measurement,
    Measurements,
    Owner,
    QueueCounts,
)
from attune_infra.fleet.model import Finding, Fleet, FleetWorker
from attune_infra.render.data import sort_data
from attune_infra.render.text import Level, Line
from attune_infra.topology.verify import Verdict

if TYPE_CHECKING:
    from attune_infra.contract.workers import MetricsData, SampleData

_STATUSES: Final = ("active", "inactive", "busy", "error", "unregistered")
_WORKER_LABELS: Final = ("worker_id", "name")
_KINDS: Final = ("exchange", "queue", "binding", "policy")


def lines(measured: Measurement | Measurements) -> Iterator[Line]:
    return (Line(line, level=Level.PROBLEM) for line in text(measured).splitlines())


def text(measured: Measurement | Measurements) -> str:
    """Return the metrics in Prometheus' text format."""
    return exposition(measured)


def data(measured: Measurement | Measurements) -> MetricsData:
    return {"samples": sort_data(samples(measured))}


def families(measured: Measurement | Measurements) -> Iterator[Metric]:
    """Yield the metric families, without those of a part that was unavailable.

    Those of several virtual hosts have the label `vhost`.
    """
    if isinstance(measured, Measurement):
        yield from _families(measured)
        return
    found: dict[str, Metric] = {}
    for vhost, part in measured.parts.items():
        for family in _families(part):
            joined = found.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            joined.samples += [_within(sample, vhost) for sample in family.samples]
    yield from found.values()


def _within(sample: Sample, vhost: str) -> Sample:
    return sample._replace(labels={"vhost": vhost, **sample.labels})


def _families(measurement: Measurement) -> Iterator[Metric]:
    inspection, fleet = measurement.inspection, measurement.fleet
    yield _gauge("attune_up", "1 if the broker and the registry answered, else 0.", measurement.up)
    yield _gauge("attune_broker_up", "1 if the broker answered, else 0.", inspection is not None)
    if measurement.has_registry:
        yield _gauge("attune_registry_up", "1 if the registry answered, else 0.", measurement.registry_answers)
    yield _gauge("attune_verify_duration_seconds", "Seconds that this measurement took.", measurement.seconds)
    yield _certificates(measurement)
    if measurement.verified is not None:
        yield from _verify_families(measurement.verified)
    if inspection is not None:
        yield _drift(inspection)
        yield from _count_families(inspection)
        yield from _queue_families(inspection.queues)
        yield from _dead_letter_families(inspection.queues)
    if fleet is not None:
        yield from _fleet_families(fleet)
        yield from _worker_families([worker for worker in fleet.workers if worker.expected or worker.queues])


def samples(measured: Measurement | Measurements) -> list[SampleData]:
    """Return the samples as plain data."""
    return [
        {"name": sample.name, "labels": dict(sample.labels), "value": sample.value}
        for family in families(measured)
        for sample in family.samples
    ]


def exposition(measured: Measurement | Measurements) -> str:
    """Return the samples in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Measured(measured))
    return generate_latest(registry).decode()


class _Measured(Collector):
    """The collector of one measurement that was made before."""

    def __init__(self, measured: Measurement | Measurements) -> None:
        self._measured = measured

    def collect(self) -> Iterable[Metric]:
        return families(self._measured)


def _certificates(measurement: Measurement) -> Metric:
    name, text = "attune_certificate_expiry_timestamp_seconds", "Unix time at which a certificate expires."
    family = GaugeMetricFamily(name, text, labels=("certificate",))
    for certificate, until in sorted(measurement.certificates.items()):
        family.add_metric([certificate], until)
    return family


def _verify_families(last: LastVerify) -> Iterator[Metric]:
    name = "attune_topology_verify"
    yield _gauge(f"{name}_timestamp_seconds", "Unix time of the last `verify` that was possible.", last.time)
    yield _gauge(f"{name}_success", "1 if all its checks passed, else 0.", last.success)
    text = "Checks of the last `verify`, by result."
    yield _counts("attune_topology_checks", text, "result", list(Verdict), last.checks)


def _drift(inspection: Inspection) -> Metric:
    text = "Objects that differ from the document, by kind and change."
    family = GaugeMetricFamily("attune_drift_objects", text, labels=("kind", "change"))
    for kind, change in product(_KINDS, Drift):
        family.add_metric([kind, change], float(inspection.drift.get((kind, change), 0)))
    return family


def _count_families(inspection: Inspection) -> Iterator[Metric]:
    measures: tuple[tuple[str, str, Callable[[QueueCounts], int]], ...] = (
        ("attune_queues", "Queues of the virtual host, by owner.", lambda each: each.total),
        ("attune_queues_down", "Queues that do not work, by owner; a node may be down.", lambda each: each.down),
        ("attune_queues_without_consumers", "Queues without a consumer, by owner.", lambda each: each.unconsumed),
    )
    for name, text, measure in measures:
        counts = Counter({owner: measure(inspection.counts.get(owner, QueueCounts())) for owner in Owner})
        yield _counts(name, text, "owner", list(Owner), counts)


def _queue_families(queues: Iterable[MeasuredQueue]) -> Iterator[Metric]:
    of = "of a queue of the document"
    measures: tuple[tuple[str, str, Callable[[MeasuredQueue], float | None]], ...] = (
        ("messages_ready", f"Ready messages {of}.", lambda each: each.ready),
        ("messages_unacknowledged", f"Unacknowledged messages {of}.", lambda each: each.unacknowledged),
        ("consumers", f"Consumers {of}.", lambda each: each.consumers),
        (
            "oldest_message_age_seconds",
            f"Age of the first message {of}, if its publisher gave it a timestamp.",
            lambda each: each.oldest_age,
        ),
    )
    for name, text, measure in measures:
        yield _of_queues(GaugeMetricFamily(f"attune_queue_{name}", text, labels=("queue",)), queues, measure)
    text = f"Messages {of} that RabbitMQ delivered again."
    counter = CounterMetricFamily("attune_queue_redelivered", text, labels=("queue",))
    yield _of_queues(counter, queues, lambda each: each.redelivered)


def _dead_letter_families(queues: Iterable[MeasuredQueue]) -> Iterator[Metric]:
    ends = [queue for queue in queues if queue.takes_dead_letters]
    text = "Messages in a queue of the document that takes dead letters only."
    family = GaugeMetricFamily("attune_dead_letter_messages", text, labels=("queue",))
    yield _of_queues(family, ends, lambda each: each.messages)
    text = "Age of its first message since it was published, if its publisher gave it a timestamp."
    family = GaugeMetricFamily("attune_dead_letter_oldest_age_seconds", text, labels=("queue",))
    yield _of_queues(family, ends, lambda each: each.oldest_age)


def _of_queues(
    family: GaugeMetricFamily | CounterMetricFamily,
    queues: Iterable[MeasuredQueue],
    measure: Callable[[MeasuredQueue], float | None],
) -> Metric:
    """Return the family with a sample for each queue; without those that cannot be known."""
    for queue in queues:
        if (value := measure(queue)) is not None:
            family.add_metric([queue.name], float(value))
    return family


def _fleet_families(fleet: Fleet) -> Iterator[Metric]:
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


def _worker_families(workers: list[FleetWorker]) -> Iterator[Metric]:
    measures = (
        (
            "queue_messages_ready",
            "Ready messages in the worker's queues.",
            lambda each: each.depth.ready if each.is_counted else None,
        ),
        (
            "queue_messages_unacknowledged",
            "Messages delivered to the worker and not yet acknowledged.",
            lambda each: each.depth.unacknowledged if each.is_counted else None,
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
            lambda each: each.member and each.member.since_heartbeat,
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
