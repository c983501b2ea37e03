"""The schema of each command's JSON: its name, and the types that it may have."""

from __future__ import annotations

from typing import Final

from attune_infra.contract.checks import (
    CheckedTextsData,
    DiagnosisData,
    LintData,
    RulesData,
    VerificationData,
    VerificationsData,
)
from attune_infra.contract.dead_letters import DeadLetterQueuesData, DeadLettersData, ReplayData
from attune_infra.contract.failures import FailureData
from attune_infra.contract.graphs import GraphData
from attune_infra.contract.machines import (
    ConnectionsData,
    DocumentData,
    SandboxesData,
    SchemasData,
    TextData,
    VariablesData,
)
from attune_infra.contract.migrations import MigrationsData, MoveResultData
from attune_infra.contract.plans import (
    ExplainedData,
    ExplainedPlansData,
    ForecastData,
    PlanData,
    PlansData,
    ReportData,
    ReportsData,
    SavedPlanData,
)
from attune_infra.contract.queue import LoadedData, PeekedData, PurgedData
from attune_infra.contract.queues import QueueDetailsData, QueuesData
from attune_infra.contract.routes import TraceData
from attune_infra.contract.several import (
    DeadLetterQueuesOfSeveralData,
    DiagnosesData,
    GraphsData,
    QueuesOfSeveralData,
    TracesData,
)
from attune_infra.contract.tapped import TappedData, TappedMessageData
from attune_infra.contract.workers import (
    DeregisteredData,
    DispatchData,
    EnlistedData,
    EnlistedWorkersData,
    FleetData,
    LeftoversData,
    MetricsData,
    ProvisionedData,
    RegisteredData,
    RegisteredWorkersData,
    RegistryData,
)

TYPES: Final[dict[str, tuple[type, ...]]] = {
    "doctor": (DiagnosisData, DiagnosesData),
    "setup": (ReportData, PlanData, ForecastData, ReportsData, PlansData),
    "diff": (PlanData, ExplainedData, PlansData, ExplainedPlansData),
    "verify": (VerificationData, VerificationsData),
    "lint": (LintData,),
    "lint-explain": (RulesData,),
    "graph": (GraphData, GraphsData),
    "trace": (TraceData, TracesData),
    "export": (DocumentData,),
    "import": (DocumentData,),
    "topology-check": (CheckedTextsData,),
    "topology-show": (DocumentData,),
    "topology-schema": (DocumentData,),
    "worker-register": (RegisteredData, RegisteredWorkersData),
    "worker-provision": (ProvisionedData, PlanData, ForecastData),
    "worker-enlist": (EnlistedData, EnlistedWorkersData),
    "worker-dispatch": (DispatchData,),
    "worker-list": (FleetData,),
    "worker-verify": (VerificationData,),
    "worker-prune": (ReportData, LeftoversData),
    "worker-deprovision": (ReportData, LeftoversData),
    "worker-deregister": (DeregisteredData,),
    "queues": (QueuesData, QueuesOfSeveralData),
    "migrate": (MigrationsData,),
    "queue-details": (QueueDetailsData,),
    "queue-peek": (PeekedData,),
    "queue-move": (MoveResultData,),
    "queue-copy": (MoveResultData,),
    "queue-load": (LoadedData,),
    "queue-purge": (PurgedData,),
    "tap": (TappedData,),
    "tap-message": (TappedMessageData,),
    "dlq-list": (DeadLetterQueuesData, DeadLetterQueuesOfSeveralData),
    "dlq-show": (DeadLettersData,),
    "dlq-replay": (ReplayData,),
    "metrics": (MetricsData,),
    "metrics-rules": (DocumentData,),
    "metrics-dashboard": (DocumentData,),
    "connections": (ConnectionsData,),
    "registry-init": (RegistryData,),
    "sandbox-up": (SandboxesData,),
    "sandbox-down": (SandboxesData,),
    "sandbox-status": (SandboxesData,),
    "sandbox-env": (VariablesData,),
    "completion": (TextData,),
    "help": (TextData,),
    "schemas": (SchemasData, DocumentData),
    "error": (FailureData,),
    "plan": (SavedPlanData,),
}
"""By the names of the commands; several types where an option changes the result. `error` is for all."""

FILES: Final = frozenset({"plan", "tap-message"})
"""Those of files and of single lines, without the keys of every result."""
