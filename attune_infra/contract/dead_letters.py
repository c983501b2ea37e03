"""Dead letter queues, the deaths of their messages, and replays."""

from __future__ import annotations

from typing import Annotated, TypeAlias, TypedDict

from attune_infra.contract.queue import StoredMessageData
from attune_infra.contract.words import OneOf, Time
from attune_infra.messages.replay import Refusal

_Refusal: TypeAlias = Annotated[str, OneOf(tuple(Refusal))]


class DeathGroupData(TypedDict):
    """Messages that died first for one cause."""

    reason: Annotated[
        str | None, "Reason of the first death, in RabbitMQ's words; null for a message without one."
    ]
    queue: Annotated[str | None, "Queue in which it died first."]
    exchange: Annotated[str | None, "Exchange that it came to that queue by; empty for the default exchange."]
    count: Annotated[int, "Messages among those that were read."]
    since: Annotated[Time | None, "Time at which the oldest of them died last."]


class DeadLetterQueueData(TypedDict):
    """A queue that dead letters of other queues reach. A number is null if the broker does not tell it."""

    name: Annotated[str, "Name."]
    type: Annotated[str, "Type."]
    sources: Annotated[list[str], "Queues whose dead letters can arrive here."]
    passes_on: Annotated[str | None, "Dead letter exchange of its own, as of a queue for retries."]
    ready: Annotated[int | None, "Messages ready."]
    unacknowledged: Annotated[int | None, "Messages delivered and not acknowledged."]
    consumers: Annotated[int | None, "Consumers."]
    since: Annotated[Time | None, "Time at which the oldest message that was read died last."]
    looked_at: Annotated[int, "Messages that were read for the groups."]
    unread: Annotated[str | None, "Reason why no more were read, as a sentence."]
    groups: Annotated[list[DeathGroupData], "Messages by their first deaths, the largest group first."]


class DeadLetterQueuesData(TypedDict):
    """Dead letter queues of the virtual host."""

    queues: Annotated[list[DeadLetterQueueData], "Dead letter queues, those with most messages first."]


class DeathData(TypedDict):
    """Deaths of a message in one queue, for one reason."""

    reason: Annotated[str, "Reason, in RabbitMQ's words."]
    queue: Annotated[str, "Queue."]
    exchange: Annotated[str, "Exchange that it came to the queue by; empty for the default exchange."]
    routing_keys: Annotated[list[str], "Routing keys, with those of its CC header."]
    count: Annotated[int, "Number of such deaths."]
    time: Annotated[Time | None, "Time of the first of them."]
    expiration: Annotated[int | None, "Expiration of its own, in milliseconds."]


class DeadLetterData(StoredMessageData):
    """A message with its deaths."""

    history: Annotated[list[DeathData], "Deaths, the first one first."]
    replays: Annotated[int, "Times that it was sent back by `dlq replay`."]


class DeadLettersData(TypedDict):
    """Messages of a dead letter queue, which are still in it."""

    queue: Annotated[str, "Queue."]
    type: Annotated[str, "Type of the queue."]
    read: Annotated[int, "Messages that were read, selected or not."]
    selected: Annotated[int, "Messages that are meant by all conditions."]
    messages: Annotated[list[DeadLetterData], "Selected messages."]
    note: Annotated[str, "Change that reading made to the messages that were read, as a sentence; empty for none."]


class ReplayWayData(TypedDict):
    """Messages that died alike, and the way that they go."""

    reason: Annotated[
        str | None, "Reason of the first death, in RabbitMQ's words; null for a message without one."
    ]
    queue: Annotated[str | None, "Queue in which they died first."]
    exchange: Annotated[str | None, "Exchange that they came to that queue by; empty for the default exchange."]
    to: Annotated[str | None, "Exchange that they are sent to; null if none is known."]
    routing_keys: Annotated[list[str], "Some of their routing keys."]
    has_more_keys: Annotated[bool, "True if there are more routing keys."]
    queues: Annotated[list[str], "Queues that this leads to now."]
    possible_queues: Annotated[list[str], "Queues that this may lead to, if a plugin chooses."]
    copies_elsewhere: Annotated[list[str], "Queues among them in which the messages had not died."]
    returns: Annotated[bool, "True if this leads to the queue in which they died first."]
    count: Annotated[int, "Messages."]
    refusal: Annotated[_Refusal | None, "Reason why they stay; null if they are sent."]


class ReplayData(TypedDict):
    """Messages that were sent back, or would be."""

    queue: Annotated[str, "Dead letter queue."]
    dry_run: Annotated[bool, "True if nothing was sent."]
    ready: Annotated[int | None, "Messages ready in it before."]
    looked_at: Annotated[int, "Messages that were looked at."]
    not_selected: Annotated[int, "Messages among them that --where did not select."]
    ways: Annotated[list[ReplayWayData], "Selected messages by their ways, the largest group first."]
    sent: Annotated[int, "Messages that were sent back."]
    recovered: Annotated[int, "Messages that an earlier replay had sent before it was cut."]
    doubtful: Annotated[int, "Messages sent again because the broker had stopped; they carry a mark."]
    returned: Annotated[int, "Messages that stay because they reached no queue after all."]
    taken: Annotated[int, "Messages that consumers took too, after a replay was cut that had sent them."]
    without_user: Annotated[int, "Messages whose user id was removed, because it is not that of the login."]
