"""Alarms: a node is low on memory or disk, and RabbitMQ reads nothing of a connection that publishes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attune_infra.errors import BrokerBlocked

if TYPE_CHECKING:
    from attune_infra.settings import Settings


class Blocked(TimeoutError):
    """RabbitMQ did not answer in time, because of an alarm; the text is its reason."""


def blocked(reason: str, settings: Settings) -> BrokerBlocked:
    """Return the error for a connection that an alarm blocks."""
    return BrokerBlocked(
        f"RabbitMQ takes no messages now, because of an alarm: {reason}; it confirmed nothing within"
        f" {settings.timeout:g} s",
        hint="`attune-infra doctor` names the node, and the way to end the alarm; a message that was sent"
        " meanwhile may arrive when it ends",
    )
