"""Answers of a broker that is asked for an object over AMQP alone, which can list nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from attune_infra.topology.model import Exchange, Queue

_EXPIRES: Final = "x-expires"


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


def why_not_asked(item: Exchange | Queue) -> str | None:
    """Return the reason for which not even a passive declaration is harmless; None if it is."""
    if isinstance(item, Queue) and _EXPIRES in item.arguments:
        return "over AMQP, a question restarts its expiry"
    return None


def why_not_compared(item: Exchange | Queue) -> str | None:
    """Return the reason for which an existing object is not declared again; None if that changes nothing.

    An object that may vanish by itself would be made by that.
    """
    if item.external:
        return "it is external"
    if not item.durable or item.auto_delete:
        return "over AMQP, only a declaration compares it, which would make it if it vanished meanwhile"
    return None
