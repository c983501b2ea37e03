"""Which names may be wanted: RabbitMQ's rules, and the traps behind names it accepts."""

from __future__ import annotations

import re
import warnings

from attune_infra.topology.facts.exchanges import is_reserved

LONGEST = 255
"""Bytes of UTF-8 that a short string of AMQP 0-9-1 can hold."""


def name_problem(name: str) -> str | None:
    """Return what is wrong with a name for an exchange, queue or policy, or None if nothing is."""
    if not name:
        return "is empty"
    if name in {".", ".."}:
        return f"is {name!r}, which no HTTP client can address"
    if is_reserved(name):
        return "starts with 'amq.', which RabbitMQ keeps for itself"
    if "\r" in name or "\n" in name or "\0" in name:
        return "holds a line break or NUL, which RabbitMQ drops silently or cannot show"
    return routing_key_problem(name)


def routing_key_problem(key: str) -> str | None:
    """Return what is wrong with a routing key, or None if nothing is."""
    if len(key) <= LONGEST // 4:  # a character takes four bytes at most
        return None
    length = len(key.encode("utf-8", "surrogatepass"))
    return f"is {length} bytes long; at most {LONGEST} fit" if length > LONGEST else None


def pattern_problem(pattern: str) -> str | None:
    """Return what is wrong with a regular expression; Python's are close to RabbitMQ's, which are Erlang's."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"is no regular expression: {error}"
    return None
