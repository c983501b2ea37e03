"""Answers of a broker that is asked for an object over AMQP alone, which can list nothing."""

from __future__ import annotations

from enum import StrEnum

from attune_infra.dataclass import dataclass
from attune_infra.topology.facts.arguments import QUEUE_TYPES
from attune_infra.topology.facts.redeclaration import Treatment, exchange_treatments, queue_treatments
from attune_infra.topology.facts.releases import Version
from attune_infra.topology.model import Exchange, Queue


class Answer(StrEnum):
    """The state of an object, as far as AMQP tells it."""

    MATCHES = "matches"
    """RabbitMQ accepts its declaration. It compares no arguments that it does not know."""
    EXISTS = "exists"
    """It exists, and nothing more is known."""
    DIFFERS = "differs"
    MISSING = "missing"
    UNAVAILABLE = "unavailable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Trial:
    """An answer, with RabbitMQ's reason or the one for which it was not asked."""

    answer: Answer
    reason: str = ""


def why_not_compared(item: Exchange | Queue) -> str | None:
    """Return the reason for which an existing object is not declared again; None if that changes nothing.

    An object that may vanish by itself would be made by that.
    """
    if item.external:
        return "it is external"
    if not item.durable or item.auto_delete:
        return "over AMQP, only a declaration compares it, which would make it if it vanished meanwhile"
    return None


def unread_arguments(item: Exchange | Queue, version: Version) -> tuple[str, ...]:
    """Return the arguments that RabbitMQ accepts and does not compare with those of an existing object."""
    if isinstance(item, Exchange):
        tables = [exchange_treatments(item.type, version)]
    else:
        tables = [queue_treatments(kind, version) for kind in ([item.type] if item.type else QUEUE_TYPES)]
    kept = {name for table in tables for name, treatment in table.items() if treatment is Treatment.KEPT}
    return tuple(name for name in item.arguments if name in kept)
