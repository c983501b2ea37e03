"""Names that a document may give: RabbitMQ's rules, and the traps behind names it accepts."""

from __future__ import annotations

import re
import warnings

from attune_infra.topology.facts.exchanges import is_reserved

MAX_NAME_BYTES = 255
"""Bytes of UTF-8 that a short string of AMQP 0-9-1 can hold."""


def name_problem(name: str) -> str | None:
    """Return the problem with the name of an exchange, queue or policy, None if it is fine."""
    if not name:
        return "is empty"
    if name in {".", ".."}:
        return f"is {name!r}, which no HTTP client can address"
    if is_reserved(name):
        return "starts with 'amq.', which RabbitMQ reserves for itself"
    if "\r" in name or "\n" in name or "\0" in name:
        return "holds a line break or NUL, which RabbitMQ drops silently or cannot show"
    return routing_key_problem(name)


def user_name_problem(name: str) -> str | None:
    """Return the problem with the name of a user; `amq.` is not reserved for it."""
    return name_problem(f"_{name}") if name.startswith("amq.") else name_problem(name)


def routing_key_problem(key: str) -> str | None:
    """Return the problem with a routing key, None if it is fine."""
    if len(key) <= MAX_NAME_BYTES // 4:  # a character takes four bytes at most
        return None
    length = len(key.encode("utf-8", "surrogatepass"))
    return f"is {length} bytes long; at most {MAX_NAME_BYTES} fit" if length > MAX_NAME_BYTES else None


def pattern_problem(pattern: str) -> str | None:
    """Return the problem with a `manages` pattern, which is a regular expression of Python; None if it is fine."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"is not a regular expression: {error}"
    return None
