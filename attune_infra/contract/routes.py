"""The way of a message."""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict

from attune_infra.contract.objects import OddKeyData
from attune_infra.contract.words import Arguments, EndKind
from attune_infra.topology.routing.trace import Ending, Reason


class MessageData(TypedDict):
    """The parts of a message that RabbitMQ routes it by."""

    exchange: Annotated[str, "Exchange that it is published to; empty for the default exchange."]
    routing_key: Annotated[str, "Routing key."]
    headers: Annotated[Arguments, "Headers."]


class TracedBinding(OddKeyData):
    """A binding of an exchange that the message visits."""

    destination: Annotated[str, "Queue or exchange that it leads to."]
    destination_type: Annotated[EndKind, "Kind of the destination."]
    routing_key: Annotated[str, "Routing key."]
    arguments: Annotated[Arguments, "Arguments."]
    why: Annotated[str, "Reason why it matches or not, as a sentence."]


class UnmatchedData(TracedBinding):
    """A binding that does not match."""

    source: Annotated[str, "Exchange of the binding."]


class HopData(TypedDict):
    """An exchange that the message visits."""

    exchange: Annotated[str, "Name of the exchange."]
    type: Annotated[str, "Type of the exchange; empty if it is unknown."]
    certain: Annotated[bool, "False if a plugin or an external owner decides whether it gets here."]
    external: NotRequired[Annotated[bool, "True if the exchange is external."]]
    alternate_exchange: Annotated[str | None, "Alternate exchange that the message goes on to."]
    matched: Annotated[list[TracedBinding], "Bindings that match."]


class RoutedData(TypedDict):
    """The route of a message."""

    queues: Annotated[list[str], "Queues that the message reaches, sorted."]
    possible_queues: Annotated[list[str], "Queues that it may reach, sorted."]
    hops: Annotated[list[HopData], "Exchanges, in the order of the visits."]


class CauseData(TypedDict):
    """A cause for which a message leaves a queue."""

    reason: Annotated[Reason, "Reason, in RabbitMQ's words."]
    argument: NotRequired[Annotated[str, "Argument behind it."]]
    value: NotRequired[Annotated[int | None, "Value of the argument in effect."]]


class DeathData(TypedDict):
    """A way out of a queue. The keys of a route are there if the message goes on as a dead letter."""

    causes: Annotated[list[CauseData], "Causes that lead this way."]
    ending: Annotated[Ending, "Fate of the message."]
    lost: Annotated[bool, "True if the message can be lost here."]
    dead_letter_exchange: NotRequired[Annotated[str | None, "Dead letter exchange."]]
    routing_key: NotRequired[Annotated[str, "Routing key of the dead letter."]]
    comes_round_to: NotRequired[Annotated[list[str], "Queues that the message may have been in before."]]
    dropped_at: NotRequired[Annotated[list[str], "Queues at which RabbitMQ drops it, in a cycle."]]
    lives: NotRequired[Annotated[list[int], "Indexes of `lives` that follow."]]
    queues: NotRequired[Annotated[list[str], "Queues that the dead letter reaches, sorted."]]
    possible_queues: NotRequired[Annotated[list[str], "Queues that it may reach, sorted."]]
    hops: NotRequired[Annotated[list[HopData], "Exchanges, in the order of the visits."]]


class LifeData(TypedDict):
    """A message in a queue."""

    queue: Annotated[str, "Name of the queue."]
    routing_key: Annotated[str, "Routing key that the message has there."]
    deaths: Annotated[list[DeathData], "Ways out of the queue, unless a consumer takes it."]


class TieData(TypedDict):
    """Policies of one priority that apply to one object."""

    kind: Annotated[EndKind, "Kind of the object."]
    name: Annotated[str, "Name of the object."]
    policies: Annotated[list[str], "Names of the policies."]


class TraceData(RoutedData):
    """The way of a message, and its ways as a dead letter."""

    message: Annotated[MessageData, "Message."]
    broker_version: Annotated[str, "Release that routes it."]
    refused: Annotated[str | None, "Reason why RabbitMQ refuses the message; null if it does not."]
    lives: Annotated[list[LifeData], "Queues that the message comes to; `deaths` refer to them by index."]
    tied_policies: NotRequired[Annotated[list[TieData], "Objects on the way with policies of one priority."]]
    expected: NotRequired[Annotated[list[str], "Queues that were expected."]]
    unmet: NotRequired[Annotated[list[str], "Expectations that were not met, each a sentence."]]
    unmatched: NotRequired[Annotated[list[UnmatchedData], "Bindings on the way that do not match."]]
