"""Workers, their queues and their registry."""

from __future__ import annotations

from typing import Annotated, TypedDict

from attune_infra.contract.objects import LossData, ObjectData
from attune_infra.contract.plans import ReportData
from attune_infra.contract.words import OneOf, Time, Url
from attune_infra.fleet.model import Finding
from attune_infra.topology.verify import Verdict


class ProvisionedData(ReportData):
    """The outcome of provisioning."""

    workers: Annotated[list[int], "Ids of the workers, sorted."]
    registry_asked: Annotated[bool, "True if the ids were checked against the registry."]


class RegisteredData(TypedDict):
    """A row of the registry."""

    id: Annotated[int, "Id of the worker."]
    name: Annotated[str, "Name of the worker."]
    created: Annotated[Time, "Time when the row was inserted."]
    new: Annotated[bool, "True if this command inserted it."]


class RegisteredWorkersData(TypedDict):
    """Rows of the registry that were inserted together, with --count."""

    workers: Annotated[list[RegisteredData], "Rows, in the order of the numbers in their names."]


class EnlistedData(ProvisionedData, RegisteredData):
    """A worker that was registered and provisioned."""

    registered: Annotated[bool, "False if provisioning failed, so that the registration was undone."]
    left_behind: Annotated[list[str], "Queues that were created and could not be deleted again, sorted."]


class EnlistedWorkersData(ProvisionedData):
    """New workers that were registered at once, with --count or --names-file, and then provisioned."""

    rows: Annotated[list[RegisteredData], "Rows of the registry, in the order of the names."]


class DeregisteredWorker(TypedDict):
    """A row of the registry that is now inactive."""

    id: Annotated[int, "Id of the worker."]
    name: Annotated[str, "Name of the worker."]


class DeregisteredData(TypedDict):
    """Workers that were set inactive."""

    workers: Annotated[list[DeregisteredWorker], "Workers."]


class DispatchData(TypedDict):
    """A message published for a worker."""

    worker_id: Annotated[int, "Id of the worker."]
    exchange: Annotated[str, "Exchange that it was published to."]
    routing_key: Annotated[str, "Routing key."]
    message_id: Annotated[str, "Id of the message."]
    routed: Annotated[bool, "True if it reached a queue."]


class WorkerFindingData(TypedDict):
    """A finding about a worker."""

    code: Annotated[str, OneOf(tuple(each.check_code for each in Finding)), "Kind of the finding."]
    url: Annotated[Url, "Page that explains the code."]
    finding: Annotated[Finding, "Name of the finding, for people."]
    verdict: Annotated[Verdict, "Weight of the finding."]
    detail: Annotated[str, "Cause, as a sentence."]
    hint: Annotated[str, "Remedy, as a sentence."]


class WorkerData(TypedDict):
    """A worker, in the registry and on the broker."""

    id: Annotated[int, "Id of the worker."]
    name: Annotated[str | None, "Name; null if it has no row in the registry."]
    status: Annotated[str | None, "Status in the registry; null without a row."]
    cordoned: Annotated[bool, "True if it is cordoned."]
    heartbeat_age_seconds: Annotated[float | None, "Seconds since its heartbeat; null if it had none."]
    queues: Annotated[list[str], "Names of its existing queues."]
    queue_present: Annotated[bool, "True if all queues that it should have exist."]
    bound: Annotated[bool, "True if all bindings that it should have exist."]
    consumers: Annotated[list[str], "Consumer tags."]
    ready: Annotated[int, "Messages ready."]
    unacknowledged: Annotated[int, "Messages delivered and not acknowledged."]
    verdict: Annotated[Verdict, "Worst verdict of its findings."]
    findings: Annotated[list[WorkerFindingData], "Findings."]


class FleetData(TypedDict):
    """All workers."""

    workers: Annotated[list[WorkerData], "Workers, by their ids."]


class LeftoverData(ObjectData, LossData):
    """An object to delete, and what is lost with it."""

    why: Annotated[str, "Reason for the deletion."]


class LeftoversData(TypedDict):
    """Objects to delete (`--dry-run`)."""

    digest: Annotated[str, "Name of exactly these deletions, for --expect."]
    leftovers: Annotated[list[LeftoverData], "Objects, sorted."]


class SampleData(TypedDict):
    """A sample of a metric."""

    name: Annotated[str, "Name of the metric."]
    labels: Annotated[dict[str, str], "Labels."]
    value: Annotated[float, "Value."]


class MetricsData(TypedDict):
    """Metrics of all workers."""

    samples: Annotated[list[SampleData], "Samples, sorted."]


class RegistryData(TypedDict):
    """The table of workers."""

    table: Annotated[str, "Name of the table."]
    new: Annotated[bool, "True if this command created it."]
