"""Queues, with their numbers and findings."""

from __future__ import annotations

from typing import Annotated, TypedDict

from attune_infra.contract.objects import OddKeyData
from attune_infra.contract.routes import TraceData
from attune_infra.contract.words import Arguments, OneOf, Url
from attune_infra.topology.verify import Verdict

_FINDINGS = ("down", "dead_letters", "backlog", "orphan", "unbounded")


class QueueFindingData(TypedDict):
    """A finding about a queue."""

    code: Annotated[
        str, OneOf(tuple(f"queue-{each.replace('_', '-')}" for each in _FINDINGS)), "Kind of the finding."
    ]
    url: Annotated[Url, "Page that explains the code."]
    detail: Annotated[str, "Cause, as a sentence."]
    hint: Annotated[str, "Remedy, as a sentence."]


class QueueBindingData(OddKeyData):
    """A binding of a queue."""

    source: Annotated[str, "Exchange."]
    routing_key: Annotated[str, "Routing key."]
    arguments: Annotated[Arguments, "Arguments."]


class QueueData(TypedDict):
    """A queue on the broker. A number is null if the broker does not tell it."""

    name: Annotated[str, "Name."]
    type: Annotated[str, "Type."]
    durable: Annotated[bool, "True if it survives a restart."]
    auto_delete: Annotated[bool, "True if RabbitMQ deletes it after its last consumer."]
    exclusive: Annotated[bool, "True if it belongs to one connection."]
    arguments: Annotated[Arguments, "Arguments of its declaration."]
    effective_arguments: Annotated[Arguments, "Arguments with what policies provide."]
    policy: Annotated[str | None, "Policy in effect."]
    state: Annotated[str | None, "State that the broker reports."]
    node: Annotated[str | None, "Node that holds it."]
    ready: Annotated[int | None, "Messages ready."]
    unacknowledged: Annotated[int | None, "Messages delivered and not acknowledged."]
    consumers: Annotated[int | None, "Consumers."]
    rate_in: Annotated[float | None, "Messages that come in, for each second."]
    rate_out: Annotated[float | None, "Messages that go out, for each second."]
    idle_seconds: Annotated[float | None, "Seconds without use."]
    idle_since: Annotated[str | None, "Time of the last use."]
    bindings: Annotated[list[QueueBindingData], "Bindings, without that of the default exchange."]
    dead_letters_of: Annotated[list[str], "Queues whose dead letters can arrive here."]
    verdict: Annotated[Verdict, "Worst verdict of its findings."]
    findings: Annotated[list[QueueFindingData], "Findings, the worst first."]


class QueueCounts(TypedDict):
    """Numbers of queues with each finding."""

    down: Annotated[int, "Queues that are unavailable."]
    dead_letters: Annotated[int, "Queues that hold dead letters."]
    backlog: Annotated[int, "Queues with messages and without a consumer."]
    orphan: Annotated[int, "Queues without a binding and a consumer."]
    unbounded: Annotated[int, "Queues that may grow without bound."]


class QueuesData(TypedDict):
    """Queues of the virtual host."""

    queues: Annotated[list[QueueData], "Queues that were asked for."]
    total: Annotated[int, "Number of all queues."]
    counts: Annotated[QueueCounts, "Numbers of queues with each finding."]


class QueueDetailsData(TypedDict):
    """A queue, and the ways of messages through it."""

    queue: Annotated[QueueData, "Queue."]
    traces: Annotated[list[TraceData], "Ways of messages that come to it, by example."]
