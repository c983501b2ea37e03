"""The Python API: the names that `from attune_infra import ...` finds; docs/python.md shows them at work.

It stands beside `cli`, on the same rooms. All else in this package may change with any release; these names, their
signatures and their attributes change only with a line in CHANGELOG.md, which tests/api/contract.txt enforces.
"""

from __future__ import annotations

from attune_infra.api.broker import Broker, connect
from attune_infra.api.results import Check, Outcome, Plan, Report, Verification
from attune_infra.api.topology import Topology, diff
from attune_infra.errors import (
    AccessRefused,
    AttuneError,
    BrokerError,
    BrokerUnreachable,
    ExitCode,
    FeatureDenied,
    InvalidInput,
    LoginRefused,
    NotRabbitMQ,
    PlanRefused,
    RequestRefused,
    VirtualHostMissing,
    WrongTarget,
    WrongUsage,
)
from attune_infra.topology.diff import Await, Create, Delete, Difference, Recreate, Update
from attune_infra.topology.model import (
    Binding,
    Exchange,
    FederationUpstream,
    FederationUpstreamSet,
    GlobalParameter,
    Limit,
    OperatorPolicy,
    Parameter,
    PasswordHash,
    Permission,
    Policy,
    Queue,
    SecretKind,
    SecretReference,
    Shovel,
    TopicPermission,
    User,
    VirtualHost,
)

__all__ = [
    "AccessRefused",
    "AttuneError",
    "Await",
    "Binding",
    "Broker",
    "BrokerError",
    "BrokerUnreachable",
    "Check",
    "Create",
    "Delete",
    "Difference",
    "Exchange",
    "ExitCode",
    "FeatureDenied",
    "FederationUpstream",
    "FederationUpstreamSet",
    "GlobalParameter",
    "InvalidInput",
    "Limit",
    "LoginRefused",
    "NotRabbitMQ",
    "OperatorPolicy",
    "Outcome",
    "Parameter",
    "PasswordHash",
    "Permission",
    "Plan",
    "PlanRefused",
    "Policy",
    "Queue",
    "Recreate",
    "Report",
    "RequestRefused",
    "SecretKind",
    "SecretReference",
    "Shovel",
    "TopicPermission",
    "Topology",
    "Update",
    "User",
    "Verification",
    "VirtualHost",
    "VirtualHostMissing",
    "WrongTarget",
    "WrongUsage",
    "connect",
    "diff",
]
