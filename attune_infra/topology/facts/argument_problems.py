"""Problems with the arguments of queues and policies, whatever the release of RabbitMQ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from attune_infra.topology.facts.arguments import POLICY_RULES, QUEUE_ARGUMENTS, QUEUE_TYPES
from attune_infra.topology.model import Queue
from attune_infra.topology.words import either, guess

_CLOSE: Final = 0.86
"""Likeness from which on a name counts as misspelt; `x-batch` and `x-match`, each meant as it is, have less."""


def spelling_problem(name: str, known: Iterable[str]) -> str | None:
    """Return what is wrong with an argument's name that RabbitMQ does not know, or None if it may be meant so."""
    close = _close_to(name, tuple(known)) if name.startswith("x-") else ""
    return f"unknown argument '{name}'{close}" if close else None


def queue_problems(queue: Queue) -> Iterator[tuple[str, str]]:
    """Yield what a queue cannot be or have, each with the attribute or argument that it is about.

    What its type forbids is named only where the type is known: one that names none is classic if it could be
    nothing else, and otherwise what the virtual host makes of it.
    """
    kind = _a_queue(queue.type or "classic")
    if queue.type in {"quorum", "stream"} and not queue.durable:
        yield "durable", f"{kind} must be durable"
    if queue.type in {"quorum", "stream"} and queue.auto_delete:
        yield "auto_delete", f"{kind} cannot be auto-delete"
    is_known = queue.type in QUEUE_TYPES or (queue.type is None and (queue.auto_delete or not queue.durable))
    for name in queue.arguments:
        rule = QUEUE_ARGUMENTS.get(name)
        if rule is None:
            continue
        if is_known and (queue.type or "classic") not in rule.queue_types:
            yield name, f"{kind} cannot have {name}; only {either(rule.queue_types)} queues can"
        if rule.needs is not None and rule.needs not in queue.arguments:
            yield name, f"{name} needs {rule.needs} beside it"


def _a_queue(queue_type: str) -> str:
    """Return what a queue of a type is called in a sentence."""
    return "a stream" if queue_type == "stream" else f"a {queue_type} queue"


def policy_problem(key: str, value: object) -> str | None:
    """Return what is wrong with an entry of a policy's definition, or None if it may be meant so.

    Plugins have keys of their own, so an unknown one is refused only where it is a slip.
    """
    if rule := POLICY_RULES.get(key):
        what = rule.problem(value)
        return f"{key} {what}" if what else None
    if (argument := QUEUE_ARGUMENTS.get(f"x-{key.removeprefix('x-')}")) and argument.policy_key is None:
        return f"a policy cannot set {key}; it is an argument of the queue, {argument.name}"
    close = _close_to(key, tuple(POLICY_RULES))
    return f"unknown policy key '{key}'{close}" if close else None


@lru_cache(maxsize=1000)
def _close_to(name: str, known: tuple[str, ...]) -> str:
    """Return a question about a name that is very like a known one, or nothing; names come again and again."""
    return guess(name, known, likeness=_CLOSE)
