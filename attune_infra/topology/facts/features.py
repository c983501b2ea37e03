"""Deprecated features of RabbitMQ that a broker denies."""

from __future__ import annotations

import re
from typing import Final

from attune_infra.errors import FeatureDenied

TRANSIENT_QUEUES: Final = "transient_nonexcl_queues"
"""RabbitMQ's name for queues that are neither durable nor exclusive."""

MASTER_LOCATOR: Final = "queue_master_locator"
"""RabbitMQ's name for the argument x-queue-master-locator and the policy key queue-master-locator."""

_DENIED: Final = re.compile(r"Feature `(\w+)` is (?:deprecated|removed)")


def denied_in(text: str) -> str | None:
    """Return the feature that RabbitMQ says it denies; None if the text is about something else."""
    found = _DENIED.search(text)
    return found[1] if found else None


def denied(feature: str) -> FeatureDenied:
    """Return the error for a denied feature."""
    if feature != TRANSIENT_QUEUES:
        return FeatureDenied(
            f"this RabbitMQ denies the deprecated feature {feature}",
            hint=f"avoid it, or have an administrator permit it: deprecated_features.permit.{feature} = true",
            feature=feature,
        )
    return FeatureDenied(
        f"this RabbitMQ denies queues that are neither durable nor exclusive (the deprecated feature {feature})",
        hint="use a topology whose worker queues are durable with an expiry, such as"
        " --topology examples/attune-durable-workers.yaml",
        feature=feature,
    )
