"""Limits, permissions and topic permissions: the values that RabbitMQ takes.

Tried on 3.10, 4.0 and 4.3. All refuse a limit that they do not know, one that is no integer, a pattern that is no
regular expression, and permissions of a missing user. Only 4.3 refuses topic permissions on a missing exchange,
and deletes them with it. A limit closes no connection and deletes no queue: it refuses new ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attune_infra.topology.facts.names import name_problem, routing_key_problem, user_name_problem
from attune_infra.topology.facts.parameters import parameter_problems
from attune_infra.topology.facts.patterns import policy_pattern_problem
from attune_infra.topology.model import GlobalParameter, Limit, Parameter, Permission, TopicPermission
from attune_infra.topology.words import either, guess

LIMITS: Final = ("max-connections", "max-queues")
"""The limits of a virtual host."""

PATTERNS: Final[dict[type[Limit | Permission | TopicPermission], tuple[str, ...]]] = {
    Limit: (),
    Permission: ("configure", "write", "read"),
    TopicPermission: ("write", "read"),
}
"""The attributes of each kind that are regular expressions."""

ATTRIBUTES: Final[dict[type[Limit | Permission | TopicPermission], tuple[str, ...]]] = {
    **PATTERNS,
    Limit: ("value",),
}
"""The attributes of each kind that can differ, and be changed in place."""

NO_LIMIT: Final = -1


def control_problems(
    item: Limit | Permission | TopicPermission | Parameter | GlobalParameter,
) -> Iterator[tuple[str, str]]:
    """Yield the problems of a control: the attribute at fault, and a sentence."""
    match item:
        case Limit():
            if item.name not in LIMITS:
                yield "name", f"expected {either(LIMITS)}, got '{item.name}'{guess(item.name, LIMITS)}"
            elif item.value < NO_LIMIT:
                yield "value", f"{item.name} expects {NO_LIMIT} (no limit) or more, got {item.value}"
        case Permission() | TopicPermission():
            if what := user_name_problem(item.user):
                yield "name", f"the name of the user {what}"
            if isinstance(item, TopicPermission) and (what := _exchange_problem(item.exchange)):
                yield "exchange", f"the name of the exchange {what}"
            for name in PATTERNS[type(item)]:
                if what := policy_pattern_problem(getattr(item, name)):
                    yield name, f"the pattern {what}"
        case Parameter() | GlobalParameter():
            yield from parameter_problems(item)


def _exchange_problem(name: str) -> str | None:
    return None if name.startswith("amq.") and not routing_key_problem(name) else name_problem(name)
