"""Alert rules for a document: general ones, those of workers, and thresholds from the arguments of each queue.

A rule has no name of a queue in its texts, since a name may hold anything, `{{` too: Prometheus fills it in.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from typing import ClassVar, Final

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode
from attune_infra.fleet.model import Limits
from attune_infra.topology.facts.releases import NEWEST
from attune_infra.topology.model import Argument, Queue, Topology
from attune_infra.topology.policy import effective_arguments
from attune_infra.topology.routing.dead_letters import dead_letter_queues

FULL: Final = 0.8
"""The share of a limit at which an alert begins."""
_LEAST_LENGTH: Final = 5
"""A shorter queue, such as one for the last value, is meant to be full."""
_LEAST_MILLISECONDS: Final = 300_000
"""Shorter lives of messages and queues end before an alert could begin."""
_CRITICAL, _WARNING = "critical", "warning"
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
CERTIFICATE_DAYS: Final = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A rule of Prometheus; `wait` is the seconds for which its expression must hold."""

    name: str
    expr: str
    wait: int
    severity: str
    summary: str
    description: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AlertGroup:
    """Rules that are evaluated together."""

    name: str
    alerts: tuple[Alert, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRules:
    """All rules for a document; `runbook` is the page with a heading for each alert."""

    exit_code: ClassVar[ExitCode] = ExitCode.DONE

    document: str
    runbook: str
    groups: tuple[AlertGroup, ...]


def alert_rules(topology: Topology, limits: Limits, *, runbook: str) -> AlertRules:
    """Return the rules for a document; those of workers only if it has workers."""
    groups = [AlertGroup("attune", tuple(_general()))]
    if topology.workers is not None:
        groups.append(AlertGroup("attune-workers", tuple(_of_workers(limits))))
    if queues := tuple(_of_queues(topology)):
        groups.append(AlertGroup("attune-queues", queues))
    return AlertRules(document=topology.name, runbook=runbook, groups=tuple(groups))


def alert_rules_of_several(
    name: str, topologies: Mapping[str, Topology], limits: Limits, *, runbook: str
) -> AlertRules:
    """Return the rules for a document of several virtual hosts: those of queues in a group for each."""
    groups = [AlertGroup("attune", tuple(map(_naming_vhost, _general())))]
    if any(each.workers is not None for each in topologies.values()):
        groups.append(AlertGroup("attune-workers", tuple(map(_naming_vhost, _of_workers(limits)))))
    for vhost, topology in topologies.items():
        if queues := tuple(map(_naming_vhost, _of_queues(topology, vhost))):
            groups.append(AlertGroup(f"attune-queues {vhost}", queues))
    return AlertRules(document=name, runbook=runbook, groups=tuple(groups))


def _naming_vhost(alert: Alert) -> Alert:
    """Return an alert that names its virtual host, unless no metrics at all are an alert too."""
    if "absent" in alert.expr:
        return alert
    return replace(alert, summary=f"{alert.summary} (virtual host {{{{ $labels.vhost }}}})")


def _general() -> Iterator[Alert]:
    yield Alert(
        name="AttuneUnavailable",
        expr="absent(attune_up) or attune_up == 0",
        wait=5 * _MINUTE,
        severity=_CRITICAL,
        summary="No complete metrics: the exporter, the broker or the registry is unavailable",
        description="The reason: attune-infra doctor metrics",
    )
    yield Alert(
        name="AttuneVerifyStale",
        expr=f"time() - attune_topology_verify_timestamp_seconds > {_HOUR}",
        wait=5 * _MINUTE,
        severity=_WARNING,
        summary="The topology was verified last {{ $value | humanizeDuration }} ago",
        description="Is the broker available, and does the exporter run?",
    )
    yield Alert(
        name="AttuneVerifyFailed",
        expr="attune_topology_verify_success == 0",
        wait=10 * _MINUTE,
        severity=_WARNING,
        summary="The broker does not match the document",
        description="The reasons: attune-infra verify",
    )
    yield Alert(
        name="AttuneDrift",
        expr='attune_drift_objects{change!="undeclared"} > 0',
        wait=10 * _MINUTE,
        severity=_WARNING,
        summary="Drift: {{ $value }} of kind {{ $labels.kind }}, change {{ $labels.change }}",
        description="To list it: attune-infra diff. To repair it: attune-infra setup",
    )
    yield from _of_state()


def _of_state() -> Iterator[Alert]:
    yield Alert(
        name="AttuneQueuesDown",
        expr="attune_queues_down > 0",
        wait=2 * _MINUTE,
        severity=_CRITICAL,
        summary="Queues that are down: {{ $value }} (owner: {{ $labels.owner }})",
        description="A node may be down: attune-infra doctor",
    )
    yield Alert(
        name="AttuneDeadLetters",
        expr="attune_dead_letter_messages > 0",
        wait=5 * _MINUTE,
        severity=_WARNING,
        summary="Dead letters in queue {{ $labels.queue }}: {{ $value }}",
        description="Look at their headers x-death and x-attune-reason, then move or delete them.",
    )
    yield Alert(
        name="AttuneCertificateExpires",
        expr=f"attune_certificate_expiry_timestamp_seconds - time() < {CERTIFICATE_DAYS * _DAY}",
        wait=_HOUR,
        severity=_WARNING,
        summary="Certificate '{{ $labels.certificate }}' expires in {{ $value | humanizeDuration }}",
        description="Details: attune-infra doctor",
    )


def _of_workers(limits: Limits) -> Iterator[Alert]:
    worker = "{{ $labels.worker_id }} ({{ $labels.name }})"
    its_id = "--id {{ $labels.worker_id }}"
    yield Alert(
        name="AttuneWorkerSilent",
        expr=f"attune_worker_heartbeat_age_seconds > {limits.heartbeat_age:g}",
        wait=2 * _MINUTE,
        severity=_WARNING,
        summary=f"Worker {worker} has sent no heartbeat for {{{{ $value | humanizeDuration }}}}",
        description=f"Check that it is running. If it is gone for good: attune-infra worker deregister {its_id}",
    )
    yield Alert(
        name="AttuneWorkerNotProvisioned",
        expr="attune_worker_provisioned == 0",
        wait=_MINUTE,
        severity=_CRITICAL,
        summary=f"Worker {worker} lacks its queue or its binding",
        description=f"RabbitMQ does not route its messages. Repair: attune-infra worker provision {its_id}",
    )
    yield Alert(
        name="AttuneWorkerConsumers",
        expr="attune_worker_queue_consumers > 1",
        wait=_MINUTE,
        severity=_WARNING,
        summary=f"Worker {worker} has {{{{ $value }}}} consumers instead of one",
        description=f"The worker may run twice. Details: attune-infra worker verify {its_id}",
    )
    yield from _of_work(limits, worker)
    yield from _of_fleet()


def _of_work(limits: Limits, worker: str) -> Iterator[Alert]:
    yield Alert(
        name="AttuneWorkerBacklog",
        expr="attune_worker_queue_messages_ready > 0 and attune_worker_queue_consumers == 0",
        wait=_MINUTE,
        severity=_CRITICAL,
        summary=f"Messages waiting for worker {worker} without a consumer: {{{{ $value }}}}",
        description="Start worker {{ $labels.worker_id }}.",
    )
    yield Alert(
        name="AttuneWorkerTooDeep",
        expr=f"attune_worker_queue_messages_ready > {limits.depth}",
        wait=5 * _MINUTE,
        severity=_WARNING,
        summary=f"Messages waiting for worker {worker}: {{{{ $value }}}}",
        description="The worker gets more messages than it can handle. Add workers.",
    )


def _of_fleet() -> Iterator[Alert]:
    yield Alert(
        name="AttuneOrphanedQueues",
        expr="attune_worker_orphaned_queues > 0",
        wait=_HOUR,
        severity=_WARNING,
        summary="Queues of workers that are inactive or not registered: {{ $value }}",
        description="To list them: attune-infra worker prune --dry-run",
    )
    yield Alert(
        name="AttuneWorkerFindings",
        expr="attune_worker_findings > 0",
        wait=15 * _MINUTE,
        severity=_WARNING,
        summary="Workers with the finding {{ $labels.finding }}: {{ $value }}",
        description="Details and remedies: attune-infra worker verify --all",
    )


@dataclass(frozen=True, slots=True)
class _Watched:
    """A queue with its effective arguments, and the name of its virtual host if there are several."""

    queue: Queue
    arguments: Mapping[str, Argument]
    vhost: str | None

    def metric(self, name: str) -> str:
        """Return a selector of a metric."""
        return f"attune_queue_{name}{{{', '.join(matchers_of(self.queue, self.vhost))}}}"

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels that tell alerts of queues apart; not a text that Prometheus would take for a template."""
        found = {"vhost": self.vhost, "queue": self.queue.name}
        return {name: text for name, text in found.items() if text is not None and "{{" not in text}


def _of_queues(topology: Topology, vhost: str | None = None) -> Iterator[Alert]:
    ends = dead_letter_queues(topology, topology.version or NEWEST)
    for queue in sorted(topology.queues.values(), key=lambda queue: queue.name):
        if queue.external:
            continue
        arguments = effective_arguments(queue, topology)
        watched = _Watched(queue, arguments, vhost)
        yield from _of_limits(watched)
        yield from _of_times(watched)
        waits = {"x-message-ttl", "x-dead-letter-exchange"} <= arguments.keys()
        if not (queue.name in ends or waits or topology.type_of(queue) == "stream"):
            yield from _of_consumers(watched)


def _of_limits(watched: _Watched) -> Iterator[Alert]:
    arguments = watched.arguments
    if (most := max_length(arguments)) is not None:
        is_refusing = arguments.get("x-overflow") in {"reject-publish", "reject-publish-dlx"}
        fate = "refuses new ones" if is_refusing else "drops the oldest"
        yield Alert(
            name="AttuneQueueFull",
            expr=f"{watched.metric('messages_ready')} > {int(most * FULL)}",
            wait=5 * _MINUTE,
            severity=_WARNING,
            summary="Queue {{ $labels.queue }} is nearly full: {{ $value }} ready messages",
            description=f"RabbitMQ {fate} at {most} messages (x-max-length). Add consumers, or raise the limit.",
            labels=watched.labels,
        )
    limit = _number(arguments, "x-delivery-limit", least=1)
    if limit is not None:
        yield Alert(
            name="AttuneQueueRedelivers",
            expr=f"increase({watched.metric('redelivered_total')}[10m]) >= {limit}",
            wait=0,
            severity=_WARNING,
            summary="Queue {{ $labels.queue }} delivers messages again: {{ $value | humanize }} in 10 minutes",
            description=f"RabbitMQ gives a message up after {limit} failures (x-delivery-limit).",
            labels=watched.labels,
        )


def _of_times(watched: _Watched) -> Iterator[Alert]:
    arguments = watched.arguments
    expires = _number(arguments, "x-expires", least=_LEAST_MILLISECONDS)
    if expires is not None:
        yield Alert(
            name="AttuneQueueExpires",
            expr=f"{watched.metric('consumers')} == 0",
            wait=int(expires * FULL) // 1000,
            severity=_CRITICAL,
            summary="Queue {{ $labels.queue }} is about to expire, with its messages",
            description=f"RabbitMQ deletes it after {expires} ms without use (x-expires). Start its consumer.",
            labels=watched.labels,
        )
    ttl = _number(arguments, "x-message-ttl", least=_LEAST_MILLISECONDS)
    if ttl is not None and "x-dead-letter-exchange" not in arguments:
        age = "{{ $value | humanizeDuration }}"
        yield Alert(
            name="AttuneQueueMessagesExpire",
            expr=f"{watched.metric('oldest_message_age_seconds')} > {int(ttl * FULL) // 1000}",
            wait=0,
            severity=_WARNING,
            summary=f"Messages of queue {{{{ $labels.queue }}}} expire soon; the first is {age} old",
            description=f"RabbitMQ drops them after {ttl} ms (x-message-ttl), and nobody gets them.",
            labels=watched.labels,
        )


def _of_consumers(watched: _Watched) -> Iterator[Alert]:
    ready, consumers = watched.metric("messages_ready"), watched.metric("consumers")
    yield Alert(
        name="AttuneQueueBacklog",
        expr=f"{ready} > 0 and {consumers} == 0",
        wait=5 * _MINUTE,
        severity=_CRITICAL,
        summary="Messages waiting in queue {{ $labels.queue }} without a consumer: {{ $value }}",
        description="Start the service that consumes it.",
        labels=watched.labels,
    )
    yield Alert(
        name="AttuneQueueWithoutConsumers",
        expr=f"{consumers} == 0",
        wait=15 * _MINUTE,
        severity=_WARNING,
        summary="Queue {{ $labels.queue }} has no consumer",
        description="Start the service that consumes it.",
        labels=watched.labels,
    )


def max_length(arguments: Mapping[str, Argument]) -> int | None:
    """Return the length at which a queue is full; None for one that is not meant to be watched."""
    return _number(arguments, "x-max-length", least=_LEAST_LENGTH)


def matchers_of(queue: Queue, vhost: str | None) -> Iterator[str]:
    """Yield the matchers of a queue, in one of several virtual hosts; PromQL escapes a string as JSON does."""
    if vhost is not None:
        yield f"vhost={json.dumps(vhost, ensure_ascii=False)}"
    yield f"queue={json.dumps(queue.name, ensure_ascii=False)}"


def _number(arguments: Mapping[str, Argument], name: str, *, least: int) -> int | None:
    found = arguments.get(name)
    is_number = isinstance(found, int) and not isinstance(found, bool)
    return found if is_number and isinstance(found, int) and found >= least else None
