"""Which names may be wanted: RabbitMQ's rules, and the traps behind names it accepts."""

from __future__ import annotations

LONGEST = 255
"""Bytes of UTF-8 that a short string of AMQP 0-9-1 can hold."""


def name_problem(name: str) -> str | None:
    """Return what is wrong with a name for an exchange, queue or policy, or None if nothing is."""
    if not name:
        return "is empty"
    if name in {".", ".."}:
        return f"is {name!r}, which no HTTP client can address"
    if name.startswith("amq."):
        return "starts with 'amq.', which RabbitMQ keeps for itself"
    if any(character in name for character in "\r\n\0"):
        return "holds a line break or NUL, which RabbitMQ drops silently or cannot show"
    return routing_key_problem(name)


def routing_key_problem(key: str) -> str | None:
    """Return what is wrong with a routing key, or None if nothing is."""
    length = len(key.encode("utf-8", "surrogatepass"))
    return f"is {length} bytes long; at most {LONGEST} fit" if length > LONGEST else None
