"""What RabbitMQ demands of the arguments it knows: one table for documents, their JSON Schema and advice.

Tried on RabbitMQ 3.10, 4.0 and 4.3. A value or a queue type is refused here only where no version since 3.10
takes it in earnest; what depends on the version is not asked here. Arguments that RabbitMQ does not know are
legal: it stores them and never looks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from attune_infra.topology.model import Queue
from attune_infra.topology.words import describe, either, guess

QUEUE_TYPES: Final = ("classic", "quorum", "stream")
APPLY_TO: Final = ("queues", "exchanges", "all", "classic_queues", "quorum_queues", "streams")
"""What a policy may apply to; the types of queues since 4.0."""

LOWEST, HIGHEST = -(2**63), 2**63 - 1
"""The integers that AMQP can carry."""

_TEN_YEARS = 315_360_000_000
_CLASSIC, _QUORUM, _STREAM = (("classic",), ("quorum",), ("stream",))
_CLOSE: Final = 0.86
"""Likeness from which on a name counts as misspelt; `x-batch` and `x-match`, each meant as it is, have less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What one argument may be. Its key in a policy is None if it cannot be given by one.

    `queue_types` are those that take the argument on at least one version.
    """

    name: str
    kind: type[bool] | type[int] | type[str]
    about: str
    minimum: int | None = None
    maximum: int | None = None
    choices: tuple[str, ...] = ()
    pattern: str | None = None
    example: str | None = None
    needs: str | None = None
    queue_types: tuple[str, ...] = QUEUE_TYPES
    policy_key: str | None = None

    def problem(self, value: object) -> str | None:
        """Return what is wrong with a value, or None if nothing is."""
        fits = (
            type(value) is self.kind
            and not (isinstance(value, int) and self.minimum is not None and value < self.minimum)
            and not (isinstance(value, int) and self.maximum is not None and value > self.maximum)
            and not (self.choices and value not in self.choices)
            and not (isinstance(value, str) and self.pattern and not re.fullmatch(self.pattern, value))
        )
        return None if fits else f"expects {self.demand}, got {describe(value)}"

    @property
    def demand(self) -> str:
        """What a value must be, in words."""
        if self.choices:
            return either(self.choices)
        if self.kind is bool:
            return "true or false"
        if self.kind is str:
            return f"a string like {self.example}" if self.example else "a string"
        if self.maximum is not None:
            return f"an integer from {self.minimum} to {self.maximum}"
        return "an integer" if self.minimum is None else f"an integer of at least {self.minimum}"


def _table(*rules: Rule) -> Mapping[str, Rule]:
    return {rule.name: rule for rule in rules}


QUEUE_ARGUMENTS: Final = _table(
    Rule(
        name="x-queue-type",
        kind=str,
        choices=QUEUE_TYPES,
        about="The queue's type; the same as `type` beside the arguments.",
    ),
    Rule(
        name="x-message-ttl",
        kind=int,
        minimum=0,
        maximum=_TEN_YEARS,
        queue_types=_CLASSIC + _QUORUM,
        policy_key="message-ttl",
        about="Milliseconds after which a message that nobody took is dead-lettered or dropped.",
    ),
    Rule(
        name="x-expires",
        kind=int,
        minimum=1,
        maximum=_TEN_YEARS,
        queue_types=_CLASSIC + _QUORUM,
        policy_key="expires",
        about="Milliseconds without use after which the queue is deleted.",
    ),
    Rule(
        name="x-dead-letter-exchange",
        kind=str,
        queue_types=_CLASSIC + _QUORUM,
        policy_key="dead-letter-exchange",
        about="The exchange that gets messages which were rejected, expired or pushed out; empty for the default.",
    ),
    Rule(
        name="x-dead-letter-routing-key",
        kind=str,
        needs="x-dead-letter-exchange",
        queue_types=_CLASSIC + _QUORUM,
        policy_key="dead-letter-routing-key",
        about="The routing key of dead letters; by default each message keeps its own.",
    ),
    Rule(
        name="x-dead-letter-strategy",
        kind=str,
        choices=("at-most-once", "at-least-once"),
        queue_types=_QUORUM,
        policy_key="dead-letter-strategy",
        about="Whether dead letters are confirmed; at-least-once needs x-overflow: reject-publish.",
    ),
    Rule(
        name="x-max-length",
        kind=int,
        minimum=0,
        queue_types=_CLASSIC + _QUORUM,
        policy_key="max-length",
        about="Ready messages the queue holds at most.",
    ),
    Rule(
        name="x-max-length-bytes",
        kind=int,
        minimum=0,
        policy_key="max-length-bytes",
        about="Bytes of ready messages the queue holds at most.",
    ),
    Rule(
        name="x-overflow",
        kind=str,
        choices=("drop-head", "reject-publish", "reject-publish-dlx"),
        queue_types=_CLASSIC + _QUORUM,
        policy_key="overflow",
        about="What happens when the queue is full; a quorum queue takes reject-publish-dlx for drop-head.",
    ),
    Rule(
        name="x-max-in-memory-length",
        kind=int,
        minimum=0,
        queue_types=_QUORUM,
        policy_key="max-in-memory-length",
        about="Messages kept in memory at most.",
    ),
    Rule(
        name="x-max-in-memory-bytes",
        kind=int,
        minimum=0,
        queue_types=_QUORUM,
        policy_key="max-in-memory-bytes",
        about="Bytes of messages kept in memory at most.",
    ),
    Rule(
        name="x-max-priority",
        kind=int,
        minimum=0,
        maximum=255,
        queue_types=_CLASSIC,
        about="The highest priority a message can have.",
    ),
    Rule(
        name="x-single-active-consumer",
        kind=bool,
        queue_types=_CLASSIC + _QUORUM,
        about="Whether only one consumer at a time gets messages, and another takes over when it goes.",
    ),
    Rule(
        name="x-delivery-limit",
        kind=int,
        queue_types=_QUORUM,
        policy_key="delivery-limit",
        about="Failed deliveries after which a message is dead-lettered or dropped; -1 for no limit.",
    ),
    Rule(
        name="x-delayed-retry-type",
        kind=str,
        choices=("disabled", "all", "failed", "returned"),
        policy_key="delayed-retry-type",
        about="Which returned messages wait before they are delivered again (quorum queues of RabbitMQ 4.3).",
    ),
    Rule(
        name="x-delayed-retry-min",
        kind=int,
        minimum=0,
        policy_key="delayed-retry-min",
        about="Milliseconds that a returned message waits, times its delivery count (RabbitMQ 4.3).",
    ),
    Rule(
        name="x-delayed-retry-max",
        kind=int,
        minimum=0,
        policy_key="delayed-retry-max",
        about="Milliseconds that a returned message waits at most (RabbitMQ 4.3).",
    ),
    Rule(
        name="x-consumer-timeout",
        kind=int,
        minimum=0,
        policy_key="consumer-timeout",
        about="Milliseconds in which a consumer must acknowledge a delivery (since RabbitMQ 3.12).",
    ),
    Rule(
        name="x-consumer-disconnected-timeout",
        kind=int,
        minimum=0,
        policy_key="consumer-disconnected-timeout",
        about="Milliseconds before messages of a consumer on a lost node are returned (RabbitMQ 4.3).",
    ),
    Rule(
        name="x-quorum-initial-group-size",
        kind=int,
        minimum=1,
        queue_types=_QUORUM,
        about="Replicas of a quorum queue at first.",
    ),
    Rule(
        name="x-quorum-target-group-size",
        kind=int,
        minimum=1,
        policy_key="target-group-size",
        about="Replicas that a quorum queue is to have in the end (since RabbitMQ 3.13).",
    ),
    Rule(
        name="x-queue-leader-locator",
        kind=str,
        choices=("client-local", "balanced", "random", "least-leaders"),
        policy_key="queue-leader-locator",
        about="Where the leader is placed: random and least-leaders are older names for balanced.",
    ),
    Rule(
        name="x-queue-master-locator",
        kind=str,
        choices=("min-masters", "client-local", "random"),
        queue_types=_CLASSIC,
        policy_key="queue-master-locator",
        about="Where a classic queue is placed; RabbitMQ 4.3 refuses it.",
    ),
    Rule(
        name="x-queue-mode",
        kind=str,
        choices=("default", "lazy"),
        queue_types=_CLASSIC,
        policy_key="queue-mode",
        about="Whether messages stay on disk; without effect since RabbitMQ 3.12.",
    ),
    Rule(
        name="x-queue-version",
        kind=int,
        minimum=1,
        maximum=2,
        queue_types=_CLASSIC,
        policy_key="queue-version",
        about="How a classic queue stores messages; RabbitMQ 4.3 takes 2 only.",
    ),
    Rule(
        name="x-max-age",
        kind=str,
        pattern="0*[1-9][0-9]*[YMDhms]",
        example="7D (units: Y, M, D, h, m, s)",
        queue_types=_STREAM,
        policy_key="max-age",
        about="How long a stream keeps messages: a number and one of Y, M, D, h, m, s.",
    ),
    Rule(
        name="x-stream-max-segment-size-bytes",
        kind=int,
        minimum=0,
        maximum=3_000_000_000,
        queue_types=_STREAM,
        policy_key="stream-max-segment-size-bytes",
        about="Bytes of one file of a stream; the oldest file is what retention removes.",
    ),
    Rule(
        name="x-stream-filter-size-bytes",
        kind=int,
        minimum=16,
        maximum=255,
        policy_key="stream-filter-size-bytes",
        about="Bytes of the filter that a stream keeps for each chunk (since RabbitMQ 3.13).",
    ),
    Rule(
        name="x-initial-cluster-size",
        kind=int,
        minimum=1,
        queue_types=_STREAM,
        policy_key="initial-cluster-size",
        about="Replicas of a stream at first.",
    ),
)

EXCHANGE_ARGUMENTS: Final = _table(
    Rule(
        name="alternate-exchange",
        kind=str,
        policy_key="alternate-exchange",
        about="The exchange that gets messages which this one can route nowhere.",
    ),
)

HEADERS_BINDING_ARGUMENTS: Final = _table(
    Rule(
        name="x-match",
        kind=str,
        choices=("all", "any", "all-with-x", "any-with-x"),
        about="Whether all headers must match, or any one; headers that begin with x- count only with -with-x.",
    ),
)

POLICY_RULES: Final = {
    rule.policy_key: rule
    for table in (QUEUE_ARGUMENTS, EXCHANGE_ARGUMENTS)
    for rule in table.values()
    if rule.policy_key is not None
}


def misspelt(name: str, known: Iterable[str]) -> str | None:
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
