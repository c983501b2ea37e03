"""Plans, and reports of what was done."""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict

from attune_infra.contract.objects import (
    DifferencesData,
    LossesData,
    ObjectData,
    PlaceData,
    PolicyData,
    ProblemData,
    StakesData,
)
from attune_infra.contract.words import OneOf, Time, Url
from attune_infra.topology.facts.refusals import RefusalCode
from attune_infra.topology.planning.report import Status

_KINDS = ("create", "update", "recreate", "delete", "await")


class ChangeKind(TypedDict):
    """The kind of a change."""

    change: Annotated[str, OneOf(_KINDS), "Kind of the change."]
    code: Annotated[str, OneOf(tuple(f"diff-{kind}" for kind in _KINDS)), "Code of the change, as in reports."]
    url: Annotated[Url, "Page that explains the code."]


class RemediesData(TypedDict):
    """The ways to change an object without deleting it."""

    instead: NotRequired[Annotated[PolicyData, "Policy with the same effect, which needs no deletion."]]
    migrate: NotRequired[Annotated[str, "Command that makes the change, and keeps every message of the queue."]]


class ChangeData(ChangeKind, ObjectData, DifferencesData, LossesData, RemediesData, StakesData, PlaceData):
    """A change that the broker needs, with the place of the object in the document."""

    kept_by: NotRequired[Annotated[list[ObjectData], "Bindings for which an exchange is not deleted."]]
    kept_because: NotRequired[Annotated[str, "Reason why the object cannot be deleted."]]


class DownData(ObjectData):
    """A queue that matches but is unavailable."""

    code: Annotated[str, OneOf.these("diff-down"), "Code, as in reports."]
    url: Annotated[Url, "Page that explains the code."]
    state: Annotated[str | None, "State that the broker reports."]


class RefusalData(TypedDict):
    """An object that RabbitMQ is certain to refuse."""

    object: Annotated[ObjectData, "Object that would be refused."]
    code: Annotated[RefusalCode, "Kind of the refusal."]
    reason: Annotated[str, "Reason, as a sentence."]
    hint: Annotated[str, "Remedy, as a sentence."]


class PlanData(TypedDict):
    """The changes that a broker needs, and the objects that match."""

    digest: Annotated[str, "Name of exactly this plan, for --expect."]
    changes: Annotated[list[ChangeData], "Changes, sorted."]
    unchanged: Annotated[list[ObjectData], "Objects that match, sorted."]
    down: Annotated[list[DownData], "Queues that match but are unavailable, sorted."]
    waiting: Annotated[list[ObjectData], "Objects that cannot be made before an external one exists, sorted."]
    refusals: Annotated[list[RefusalData], "Objects that RabbitMQ would refuse, for which nothing is changed."]
    excess: Annotated[str | None, "Reason why the plan deletes too much; null if it does not, or for `diff`."]
    faults: Annotated[list[ProblemData], "Faults of definitions, for which nothing is changed."]


class SavedChangeData(ChangeData):
    """A change in the file of a plan."""

    virtual_host: NotRequired[Annotated[str, "Virtual host of the change, in the plan of several."]]


class SavedPlanData(TypedDict):
    """The file of a plan (`diff --out FILE`). It belongs to one broker, and `setup FILE` applies exactly it."""

    schema: Annotated[str, "Name of the schema of this file."]
    digest: Annotated[str, "Name of exactly this plan."]
    cluster: Annotated[str, "Cluster that it is for; empty if the broker tells no name."]
    virtual_host: Annotated[str, "Virtual host that it is for; empty for the plan of several."]
    source: Annotated[str, "Name of the document."]
    text: Annotated[str, "Text of the document, or of definitions."]
    vhost: Annotated[str | None, "Virtual host that was chosen from the text."]
    worker_queue_ttl: Annotated[int | None, "Milliseconds after which an unused worker queue expires, if given."]
    workers: Annotated[list[int], "Ids of the workers whose objects are in the plan."]
    prune: Annotated[bool, "True if undeclared objects are deleted."]
    made_at: Annotated[Time, "Time when it was made."]
    made_by: Annotated[str, "Program that made it, with its version."]
    changes: Annotated[list[SavedChangeData], "Changes, for readers only: `setup FILE` makes the plan again."]
    virtual_hosts: Annotated[list[str], "Virtual hosts that the plan of several is for."]
    seal: Annotated[str, "Checksum of all other keys."]


class ExplanationData(ObjectData):
    """The reasons why a wanted object has drifted or not."""

    drift: Annotated[bool, "True if the object has drifted."]
    reasons: Annotated[list[str], "Reasons, each a sentence."]


class KeptData(ObjectData):
    """An undeclared object that is kept."""

    kept_because: Annotated[str, "Reason why it is kept."]


class ExplainedData(PlanData):
    """A plan with its reasons (`diff --explain`)."""

    explanations: Annotated[list[ExplanationData], "Reasons for each wanted object, sorted."]
    kept: Annotated[list[KeptData], "Undeclared objects that are kept, sorted."]


class DeniedData(TypedDict):
    """A permission that is missing."""

    user: Annotated[str, "User that lacks it."]
    needs: Annotated[list[str], "Permissions that the change needs, in words."]


class OutcomeData(ObjectData, DifferencesData, LossesData, RemediesData, StakesData):
    """An object and its outcome."""

    status: Annotated[Status, "Outcome."]
    reason: NotRequired[Annotated[str, "Reason of the outcome, as a sentence."]]
    denied: NotRequired[Annotated[DeniedData, "Permission that was missing."]]


class ReportData(TypedDict):
    """The outcome of each object."""

    objects: Annotated[list[OutcomeData], "Objects, sorted."]


class ForecastData(TypedDict):
    """The outcome that each object would have, with `--dry-run` over AMQP alone. Nothing was changed."""

    forecast: Annotated[list[OutcomeData], "Objects with the outcomes to expect, sorted."]


class _OfVirtualHost(TypedDict):
    virtual_host: Annotated[str, "Virtual host that it is for."]
    exit_code: Annotated[int, "Exit code of the command for this virtual host alone."]


class PartPlanData(PlanData, _OfVirtualHost):
    """The plan for one of several virtual hosts."""


class PartExplainedData(ExplainedData, _OfVirtualHost):
    """The plan for one of several virtual hosts, with its reasons."""


class PartReportData(ReportData, _OfVirtualHost):
    """The outcome of each object in one of several virtual hosts."""


class PlansData(TypedDict):
    """The plans for all virtual hosts of a document."""

    digest: Annotated[str, "Name of exactly these plans together, for --expect."]
    virtual_hosts: Annotated[list[PartPlanData], "Plans, in the order of the document."]


class ExplainedPlansData(TypedDict):
    """The plans for all virtual hosts of a document, with their reasons."""

    virtual_hosts: Annotated[list[PartExplainedData], "Plans, in the order of the document."]


class ReportsData(TypedDict):
    """The outcome of each object in all virtual hosts of a document."""

    virtual_hosts: Annotated[list[PartReportData], "Outcomes, in the order of the document."]
