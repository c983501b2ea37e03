"""Problems with the arguments of queues and policies on every release of RabbitMQ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from attune_infra.topology.facts.arguments import POLICY_RULES, QUEUE_ARGUMENTS, QUEUE_TYPES
from attune_infra.topology.model import ABSENT, Arguments, Queue
from attune_infra.topology.words import describe, either, guess

_MISSPELT_LIKENESS: Final = 0.86
"""Likeness at which a name counts as misspelt; two proper names, `x-batch` and `x-match`, are less alike."""


def spelling_problem(name: str, known: Iterable[str]) -> str | None:
    """Return the problem with an argument that RabbitMQ does not know, None unless its name is a likely slip."""
    close = _close_to(name, tuple(known)) if name.startswith("x-") else ""
    return f"unknown argument '{name}'{close}" if close else None


def queue_problems(queue: Queue) -> Iterator[tuple[str, str]]:
    """Yield the problems of a queue, each with the attribute or argument that it is about.

    A queue that names no type is classic if its attributes allow nothing else. Otherwise the virtual host decides,
    and the limits of a type are not checked.
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
            yield name, f"{name} needs {rule.needs} as well"


def _a_queue(queue_type: str) -> str:
    """Return a queue of some type, in words."""
    return "a stream" if queue_type == "stream" else f"a {queue_type} queue"


def policy_problem(key: str, value: object) -> str | None:
    """Return the problem with an entry of a policy's definition, None if it is fine.

    Plugins have keys of their own, so an unknown key is a problem only if it is a likely slip.
    """
    if rule := POLICY_RULES.get(key):
        what = rule.problem(value)
        return f"{key} {what}" if what else None
    if (argument := QUEUE_ARGUMENTS.get(f"x-{key.removeprefix('x-')}")) and argument.policy_key is None:
        return f"a policy cannot set {key}; only the queue can, by the argument {argument.name}"
    close = _close_to(key, tuple(POLICY_RULES))
    return f"unknown policy key '{key}'{close}" if close else None


def mirroring_problem(definition: Arguments) -> str | None:
    """Return the problem with the number or the nodes of a mirroring policy; releases before 4.0 mirror queues."""
    mode, given = definition.get("ha-mode"), definition.get("ha-params", ABSENT)
    demand = {"exactly": (int, "an integer"), "nodes": (list, "a list of nodes")}.get(str(mode))
    if demand is None or type(given) is demand[0]:
        return None
    got = "nothing" if given is ABSENT else describe(given)
    return f"ha-params expects {demand[1]} beside ha-mode '{mode}', got {got}"


@lru_cache(maxsize=1000)
def _close_to(name: str, known: tuple[str, ...]) -> str:
    """Return a question about a name that is very like a known one, or nothing.

    The answers are cached, since documents repeat names.
    """
    return guess(name, known, likeness=_MISSPELT_LIKENESS)
