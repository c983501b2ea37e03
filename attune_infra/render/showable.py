"""What a command can end with, for the type checker; loading this when a command runs would load every feature."""

from __future__ import annotations

from typing import TypeAlias

from attune_infra.fleet.fleet import Fleet
from attune_infra.fleet.leftovers import Leftovers
from attune_infra.interfaces import (
    DeregisteredWorkers,
    Dispatch,
    Enlisted,
    Measurement,
    RegisteredWorker,
    RegistryTable,
    SandboxStates,
    SandboxVariables,
)
from attune_infra.topology.check import CheckedTexts
from attune_infra.topology.document.text import Document
from attune_infra.topology.explain import ExplainedPlan
from attune_infra.topology.lint.finding import Explanation, Linted
from attune_infra.topology.plan import Plan
from attune_infra.topology.report import Provisioned, Report
from attune_infra.topology.routing.trace import Trace
from attune_infra.topology.verify import Verification

Showable: TypeAlias = (
    Report
    | Plan
    | ExplainedPlan
    | Verification
    | Provisioned
    | RegisteredWorker
    | RegistryTable
    | SandboxStates
    | SandboxVariables
    | Document
    | CheckedTexts
    | Linted
    | Explanation
    | Trace
    | Fleet
    | Leftovers
    | Enlisted
    | DeregisteredWorkers
    | Dispatch
    | Measurement
)
