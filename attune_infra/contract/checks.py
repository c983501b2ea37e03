"""Checks and findings."""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict

from attune_infra.contract.objects import DifferencesData, OddKeyData, PlaceData, ProblemData
from attune_infra.contract.words import Arguments, EndKind, OneOf, Url
from attune_infra.fleet.model import Finding
from attune_infra.topology.doctor.diagnosis import Section, Topic
from attune_infra.topology.doctor.diagnosis import Verdict as DoctorVerdict
from attune_infra.topology.model import Severity
from attune_infra.topology.verify import Code, Verdict


class SubjectData(OddKeyData):
    """The subject of a check: an object of the topology, or something else with a name."""

    kind: NotRequired[
        Annotated[
            str,
            OneOf.these(
                "exchange",
                "queue",
                "binding",
                "policy",
                "operator_policy",
                "user",
                "virtual_host",
                "limit",
                "permission",
                "topic_permission",
                "federation_upstream",
                "federation_upstream_set",
                "shovel",
                "parameter",
                "global_parameter",
                "route",
                "consumer",
                "worker",
                "broker",
                "suppression",
                "pattern",
            ),
            "Kind of the subject; absent if the check has none.",
        ]
    ]
    name: NotRequired[Annotated[str, "Name of the subject; bindings and routes have none."]]
    source: NotRequired[Annotated[str, "Exchange of a binding, or that a message of a route is published to."]]
    destination: NotRequired[Annotated[str, "Queue or exchange that a binding leads to."]]
    destination_type: NotRequired[Annotated[EndKind, "Kind of the destination of a binding."]]
    routing_key: NotRequired[Annotated[str, "Routing key of a binding, or of the message of a route."]]
    arguments: NotRequired[Annotated[Arguments, "Arguments of a binding."]]
    headers: NotRequired[Annotated[Arguments, "Headers of the message of a route."]]
    queue: NotRequired[Annotated[str, "Queue of a consumer."]]


class CheckData(SubjectData, DifferencesData, PlaceData):
    """A check and its verdict, with the place of its subject in the document."""

    code: Annotated[
        str,
        OneOf((*Code, *(each.check_code for each in Finding))),
        "Kind of the check; it never changes its meaning.",
    ]
    url: Annotated[Url, "Page that explains the code."]
    title: Annotated[str, "Name of the check, for people."]
    verdict: Annotated[Verdict, "Result of the check."]
    detail: NotRequired[Annotated[str, "Cause, as a sentence."]]
    hint: NotRequired[Annotated[str, "Remedy, as a sentence."]]
    worker_id: NotRequired[Annotated[int, "Id of the worker that the check is about."]]


class VerificationData(TypedDict):
    """All checks."""

    checks: Annotated[list[CheckData], "Checks, sorted."]


class PartVerificationData(VerificationData):
    """All checks in one of several virtual hosts."""

    virtual_host: Annotated[str, "Virtual host that was checked."]
    exit_code: Annotated[int, "Exit code of the command for this virtual host alone."]


class VerificationsData(TypedDict):
    """All checks, in all virtual hosts of a document."""

    virtual_hosts: Annotated[list[PartVerificationData], "Checks, in the order of the document."]


class DiagnosisCheckData(TypedDict):
    """A check of `doctor`."""

    code: Annotated[Topic, "Kind of the check; it never changes its meaning."]
    url: Annotated[Url, "Page that explains the code."]
    section: Annotated[Section, "Theme of the check."]
    name: Annotated[str, "Subject of the check, for people."]
    verdict: Annotated[DoctorVerdict, "Result of the check."]
    detail: NotRequired[Annotated[str, "Cause, as a sentence."]]
    fix: NotRequired[Annotated[str, "Remedy, as a sentence."]]
    run: NotRequired[Annotated[list[str], "Lines to run, which mend it."]]


class DiagnosisData(TypedDict):
    """All checks of `doctor`."""

    answered: Annotated[bool, "False if no server answered."]
    checks: Annotated[list[DiagnosisCheckData], "Checks, sorted."]
    command: Annotated[str | None, "Command whose needs were checked; null for those of all."]


class FindingData(SubjectData, PlaceData):
    """A finding of lint."""

    code: Annotated[str, "Code of the rule, such as AI004."]
    url: Annotated[Url, "Page that explains the rule."]
    severity: Annotated[Severity, "Severity of the rule."]
    title: Annotated[str, "Object that the finding is about, for people."]
    what: Annotated[str, "Finding, as a sentence."]
    remedy: Annotated[str, "Remedy, as a sentence."]
    document: Annotated[str, "Document with the finding, as in `sources`; empty for a broker."]


class SuppressedData(FindingData):
    """A finding that the document suppresses."""

    reason: Annotated[str, "Reason in the document."]


class LintProblemData(ProblemData):
    """A problem for which a document, or a part of it, could not be read."""

    document: Annotated[str, "Document with the problem, as in `sources`."]
    file: NotRequired[Annotated[str, "File of the document; absent if none holds it."]]
    severity: Annotated[Severity, "Severity: an error if this release refuses it."]


class LintData(TypedDict):
    """Findings of lint."""

    sources: Annotated[list[str], "Documents, or the broker, in the order of the command line."]
    broker_version: Annotated[str, "Release that the findings are about."]
    findings: Annotated[list[FindingData], "Findings, document by document."]
    problems: Annotated[list[LintProblemData], "Problems of the documents."]
    suppressed: Annotated[list[SuppressedData], "Findings that the documents suppress."]


class RuleData(TypedDict):
    """A rule of lint, with its example."""

    code: Annotated[str, "Code of the rule."]
    url: Annotated[Url, "Page that explains the rule."]
    severity: Annotated[Severity, "Severity of its findings."]
    title: Annotated[str, "Problem that it finds."]
    reason: Annotated[str, "Reason, as text."]
    bad: Annotated[str, "Document with such a finding."]
    good: Annotated[str, "The same document without it."]


class RulesData(TypedDict):
    """Rules of lint (`lint --explain`)."""

    rules: Annotated[list[RuleData], "Rules."]


class CheckedProblemData(TypedDict):
    """A problem of a document. A file that could not be read has one without a place."""

    file: NotRequired[Annotated[str, "Document that has it, if several were checked together."]]
    code: Annotated[str, OneOf.these("invalid-document", "route-holds", "invalid-input"), "Kind of the problem."]
    url: Annotated[Url, "Page that explains the code."]
    line: NotRequired[Annotated[int, "Line, counted from 1."]]
    column: NotRequired[Annotated[int, "Column, counted from 1."]]
    end: NotRequired[Annotated[int, "Column behind the last character, for a text that ends on its line."]]
    what: Annotated[str, "Problem, as a sentence."]
    hint: NotRequired[Annotated[str, "Remedy, as a sentence."]]


class CheckedData(TypedDict):
    """A document: the numbers of its objects, or its problems."""

    file: Annotated[str, "Document, as it was named on the command line."]
    problems: Annotated[list[CheckedProblemData], "Problems; none in a valid document."]
    topology: NotRequired[Annotated[str, "Name of the topology."]]
    virtual_host: NotRequired[Annotated[str, "Virtual host, if the document names it."]]
    exchanges: NotRequired[Annotated[int, "Number of exchanges."]]
    queues: NotRequired[Annotated[int, "Number of queues."]]
    bindings: NotRequired[Annotated[int, "Number of bindings."]]
    policies: NotRequired[Annotated[int, "Number of policies."]]
    operator_policies: NotRequired[Annotated[int, "Number of operator policies."]]
    users: NotRequired[Annotated[int, "Number of users."]]
    limits: NotRequired[Annotated[int, "Number of limits of the virtual host."]]
    permissions: NotRequired[Annotated[int, "Number of users with permissions."]]
    topic_permissions: NotRequired[Annotated[int, "Number of topic permissions."]]
    federation_upstreams: NotRequired[Annotated[int, "Number of federation upstreams."]]
    federation_upstream_sets: NotRequired[Annotated[int, "Number of sets of federation upstreams."]]
    shovels: NotRequired[Annotated[int, "Number of dynamic shovels."]]
    parameters: NotRequired[Annotated[int, "Number of other parameters of the virtual host."]]
    global_parameters: NotRequired[Annotated[int, "Number of parameters of the whole broker."]]
    queues_per_worker: NotRequired[Annotated[int, "Number of queues of each worker."]]
    routes: NotRequired[Annotated[int, "Number of routes."]]


class CheckedTextsData(TypedDict):
    """All documents."""

    documents: Annotated[list[CheckedData], "Documents, in the order of the command line."]
