"""attune-infra: makes, checks and repairs the RabbitMQ topology of Attune.

`from attune_infra import Topology, connect, diff` is the Python API: see docs/python.md and `attune_infra.api`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attune_infra.api import (
        AccessRefused,
        AttuneError,
        Await,
        Binding,
        Broker,
        BrokerError,
        BrokerUnreachable,
        Check,
        Create,
        Delete,
        Difference,
        Exchange,
        ExitCode,
        FeatureDenied,
        FederationUpstream,
        FederationUpstreamSet,
        GlobalParameter,
        InvalidInput,
        Limit,
        LoginRefused,
        NotRabbitMQ,
        OperatorPolicy,
        Outcome,
        Parameter,
        PasswordHash,
        Permission,
        Plan,
        PlanRefused,
        Policy,
        Queue,
        Recreate,
        Report,
        RequestRefused,
        SecretKind,
        SecretReference,
        Shovel,
        TopicPermission,
        Topology,
        Update,
        User,
        Verification,
        VirtualHost,
        VirtualHostMissing,
        WrongTarget,
        WrongUsage,
        connect,
        diff,
    )

__version__ = "0.1.0"

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
    "__version__",
    "connect",
    "diff",
]


def __getattr__(name: str) -> object:
    """Load the API when its first name is asked for, so that the command line does not wait for it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from attune_infra import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
