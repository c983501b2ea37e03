"""A policy in place of a deletion, where it has the same effect."""

from __future__ import annotations

import re

from attune_infra.topology.diff import Difference, Recreate
from attune_infra.topology.model import ABSENT, Argument, Exchange, Policy
from attune_infra.topology.policy import PROVIDED_BY_POLICY

_SMALLER_COUNTS = frozenset(
    {"x-delivery-limit", "x-expires", "x-max-length", "x-max-length-bytes", "x-message-ttl"}
)
"""Arguments that a policy overrides with a smaller number; all other arguments win over policies."""


def policy_instead(change: Recreate) -> Policy | None:
    """Return a policy with the same effect as recreating an object, None if no policy has it."""
    definition: dict[str, Argument] = {}
    for found in change.differences:
        if not _can_be_provided(found):
            return None
        definition[PROVIDED_BY_POLICY[found.attribute]] = found.want  # type: ignore[assignment] # it is not ABSENT
    kind = "exchanges" if isinstance(change.want, Exchange) else "queues"
    return Policy(
        name=change.want.name,
        pattern=f"^{re.escape(change.want.name)}$",
        apply_to=kind,
        definition=definition,
    )


def _can_be_provided(found: Difference) -> bool:
    if found.attribute not in PROVIDED_BY_POLICY or found.want is ABSENT:
        return False
    if found.have is ABSENT:
        return True
    return (
        found.attribute in _SMALLER_COUNTS
        and isinstance(found.have, int)
        and isinstance(found.want, int)
        and found.want < found.have
    )
