"""The arguments that RabbitMQ knows: one table for documents, their JSON Schema and advice.

Tried on RabbitMQ 3.10, 4.0 and 4.3. The table excludes a value or a queue type only if no release since 3.10
makes use of it; differences between releases are in `compatibility`. Arguments that RabbitMQ does not know are
legal: it stores them and never reads them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.topology.model import Arguments
from attune_infra.topology.words import describe, either

QUEUE_TYPES: Final = ("classic", "quorum", "stream")
APPLY_TO: Final = ("queues", "exchanges", "all", "classic_queues", "quorum_queues", "streams")
"""Values of a policy's `apply_to`; those for one queue type exist since 3.12."""

LOWEST, HIGHEST = -(2**63), 2**63 - 1
"""Bounds of an integer in AMQP."""

_TEN_YEARS = 315_360_000_000
_CLASSIC, _QUORUM, _STREAM = (("classic",), ("quorum",), ("stream",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The values that one argument may have.

    `needs` is another argument without which this one makes no sense. `queue_types` are the types that take the
    argument on at least one release. `policy_key` is its key in a policy, None if no policy can set it. If it is
    `read_once`, RabbitMQ reads both only when it creates the queue, and a later policy changes nothing. If it
    `is_time`, it counts milliseconds, and a document may hold a duration in its place.
    """

    name: str
    kind: type[bool] | type[int] | type[str] | type[dict[str, object]]
    about: str
    minimum: int | None = None
    maximum: int | None = None
    choices: tuple[str, ...] = ()
    pattern: str | None = None
    example: str | None = None
    needs: str | None = None
    queue_types: tuple[str, ...] = QUEUE_TYPES
    policy_key: str | None = None
    read_once: bool = False
    is_time: bool = False

    def problem(self, value: object) -> str | None:
        """Return the problem with a value, None if it is fine."""
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
        """The allowed values, in words."""
        if self.choices:
            return either(self.choices)
        if self.kind is bool:
            return "true or false"
        if self.kind is dict:
            return "a mapping"
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
        is_time=True,
        about="Milliseconds after which RabbitMQ dead-letters or drops a message that no consumer took.",
    ),
    Rule(
        name="x-expires",
        kind=int,
        minimum=1,
        maximum=_TEN_YEARS,
        queue_types=_CLASSIC + _QUORUM,
        policy_key="expires",
        is_time=True,
        about="Milliseconds without use after which RabbitMQ deletes the queue.",
    ),
    Rule(
        name="x-dead-letter-exchange",
        kind=str,
        queue_types=_CLASSIC + _QUORUM,
        policy_key="dead-letter-exchange",
        about="The exchange for rejected, expired and pushed out messages; empty for the default exchange.",
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
        about="Guarantee for dead letters: at-least-once confirms them, and needs x-overflow: reject-publish.",
    ),
    Rule(
        name="x-max-length",
        kind=int,
        minimum=0,
        queue_types=_CLASSIC + _QUORUM,
        policy_key="max-length",
        about="Maximum number of ready messages in the queue.",
    ),
    Rule(
        name="x-max-length-bytes",
        kind=int,
        minimum=0,
        policy_key="max-length-bytes",
        about="Maximum size of all ready messages in the queue, in bytes.",
    ),
    Rule(
        name="x-overflow",
        kind=str,
        choices=("drop-head", "reject-publish", "reject-publish-dlx"),
        queue_types=_CLASSIC + _QUORUM,
        policy_key="overflow",
        about="Behaviour of a full queue; on a quorum queue reject-publish-dlx acts as drop-head.",
    ),
    Rule(
        name="x-max-in-memory-length",
        kind=int,
        minimum=0,
        queue_types=_QUORUM,
        policy_key="max-in-memory-length",
        about="Maximum number of messages kept in memory.",
    ),
    Rule(
        name="x-max-in-memory-bytes",
        kind=int,
        minimum=0,
        queue_types=_QUORUM,
        policy_key="max-in-memory-bytes",
        about="Maximum size of all messages kept in memory, in bytes.",
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
        about="If true, only one consumer at a time gets messages; another takes over when it goes.",
    ),
    Rule(
        name="x-delivery-limit",
        kind=int,
        queue_types=_QUORUM,
        policy_key="delivery-limit",
        about="Failed deliveries after which RabbitMQ dead-letters or drops a message; -1 for no limit.",
    ),
    Rule(
        name="x-delayed-retry-type",
        kind=str,
        choices=("disabled", "all", "failed", "returned"),
        policy_key="delayed-retry-type",
        about="The returned messages that wait before they are delivered again (quorum queues of RabbitMQ 4.3).",
    ),
    Rule(
        name="x-delayed-retry-min",
        kind=int,
        minimum=0,
        policy_key="delayed-retry-min",
        is_time=True,
        about="Milliseconds that a returned message waits, multiplied by its delivery count (RabbitMQ 4.3).",
    ),
    Rule(
        name="x-delayed-retry-max",
        kind=int,
        minimum=0,
        policy_key="delayed-retry-max",
        is_time=True,
        about="Maximum wait of a returned message, in milliseconds (RabbitMQ 4.3).",
    ),
    Rule(
        name="x-consumer-timeout",
        kind=int,
        minimum=0,
        policy_key="consumer-timeout",
        is_time=True,
        about="Milliseconds within which a consumer must acknowledge a delivery (since RabbitMQ 3.12).",
    ),
    Rule(
        name="x-consumer-disconnected-timeout",
        kind=int,
        minimum=0,
        policy_key="consumer-disconnected-timeout",
        is_time=True,
        about="Milliseconds after which a queue takes back messages of a consumer on a lost node (RabbitMQ 4.3).",
    ),
    Rule(
        name="x-quorum-initial-group-size",
        kind=int,
        minimum=1,
        queue_types=_QUORUM,
        about="Number of replicas when the quorum queue is created.",
    ),
    Rule(
        name="x-quorum-target-group-size",
        kind=int,
        minimum=1,
        policy_key="target-group-size",
        about="Number of replicas that RabbitMQ aims for (since RabbitMQ 3.13).",
    ),
    Rule(
        name="x-queue-leader-locator",
        kind=str,
        choices=("client-local", "balanced", "random", "least-leaders"),
        policy_key="queue-leader-locator",
        read_once=True,
        about="Placement of the leader; random and least-leaders are older names for balanced.",
    ),
    Rule(
        name="x-queue-master-locator",
        kind=str,
        choices=("min-masters", "client-local", "random"),
        queue_types=_CLASSIC,
        policy_key="queue-master-locator",
        read_once=True,
        about="Placement of a classic queue; RabbitMQ 4.3 refuses this argument.",
    ),
    Rule(
        name="x-queue-mode",
        kind=str,
        choices=("default", "lazy"),
        queue_types=_CLASSIC,
        policy_key="queue-mode",
        about="If lazy, messages stay on disk; no effect since RabbitMQ 3.12.",
    ),
    Rule(
        name="x-queue-version",
        kind=int,
        minimum=1,
        maximum=2,
        queue_types=_CLASSIC,
        policy_key="queue-version",
        about="Storage format of a classic queue; RabbitMQ 4.3 accepts only 2.",
    ),
    Rule(
        name="x-max-age",
        kind=str,
        pattern="0*[1-9][0-9]*[YMDhms]",
        example="7D (units: Y, M, D, h, m, s)",
        queue_types=_STREAM,
        policy_key="max-age",
        about="Time for which a stream keeps messages: a number and one of Y, M, D, h, m, s.",
    ),
    Rule(
        name="x-stream-max-segment-size-bytes",
        kind=int,
        minimum=0,
        maximum=3_000_000_000,
        queue_types=_STREAM,
        policy_key="stream-max-segment-size-bytes",
        about="Size of one file of a stream, in bytes; retention removes whole files, the oldest first.",
    ),
    Rule(
        name="x-stream-filter-size-bytes",
        kind=int,
        minimum=16,
        maximum=255,
        policy_key="stream-filter-size-bytes",
        about="Size of the filter that a stream keeps for each chunk, in bytes (since RabbitMQ 3.13).",
    ),
    Rule(
        name="x-initial-cluster-size",
        kind=int,
        minimum=1,
        queue_types=_STREAM,
        policy_key="initial-cluster-size",
        read_once=True,
        about="Number of replicas when the stream is created.",
    ),
)

EXCHANGE_ARGUMENTS: Final = _table(
    Rule(
        name="alternate-exchange",
        kind=str,
        policy_key="alternate-exchange",
        about="The exchange for messages that this one cannot route.",
    ),
)

HEADERS_BINDING_ARGUMENTS: Final = _table(
    Rule(
        name="x-match",
        kind=str,
        choices=("all", "any", "all-with-x", "any-with-x"),
        about="Number of headers that must match: all or any one; x- headers count only with -with-x.",
    ),
)


def keeps_dead_letters(queue_type: str, settings: Arguments) -> bool:
    """Return whether a queue with a dead letter exchange keeps a dead letter until another queue has it."""
    return (
        queue_type == "quorum"
        and settings.get("x-dead-letter-strategy") == "at-least-once"
        and settings.get("x-overflow") == "reject-publish"
    )


PARTITION_ORDER: Final = "x-stream-partition-order"
"""The argument of a binding that gives a stream its place among the partitions of a super stream."""

POLICY_RULES: Final = {
    rule.policy_key: rule
    for table in (QUEUE_ARGUMENTS, EXCHANGE_ARGUMENTS)
    for rule in table.values()
    if rule.policy_key is not None
}
