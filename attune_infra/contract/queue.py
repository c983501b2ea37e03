"""Messages that a queue holds, and changes of all of them."""

from __future__ import annotations

from typing import Annotated, TypedDict

from attune_infra.contract.words import Arguments


class StoredMessageData(TypedDict):
    """A message that a queue holds. A body that is not text is in base64 instead."""

    position: Annotated[int, "Place among the messages that were read, counted from 1."]
    offset: Annotated[int | None, "Offset in a stream."]
    exchange: Annotated[str, "Exchange that it was published to; empty for the default exchange."]
    routing_key: Annotated[str, "Routing key."]
    redelivered: Annotated[bool, "True if it was delivered before."]
    attempts: Annotated[int | None, "Failed deliveries that a quorum queue has counted; null if it tells none."]
    size: Annotated[int, "Bytes of the whole body."]
    properties: Annotated[Arguments, "Properties by their names, without the headers; missing ones are absent."]
    headers: Annotated[Arguments, "Headers by their names."]
    deaths: Annotated[list[str], "History of its deaths, the first one first, as sentences."]
    body: Annotated[str | None, "Body as text; null if it is not text."]
    body_base64: Annotated[str | None, "Body in base64; null if it is text."]
    is_cut: Annotated[bool, "True if only the beginning of the body is here."]


class PeekedData(TypedDict):
    """Messages that were read, and are still in their queue."""

    queue: Annotated[str, "Queue."]
    type: Annotated[str, "Type of the queue."]
    read: Annotated[int, "Messages that were read, selected or not."]
    selected: Annotated[int, "Messages that are meant by all conditions."]
    messages: Annotated[list[StoredMessageData], "Selected messages; none if they were saved."]
    saved: Annotated[str | None, "File that has the selected messages."]
    note: Annotated[str, "Change that reading made to the messages that were read, as a sentence; empty for none."]


class PurgedQueueData(TypedDict):
    """A queue that was emptied."""

    name: Annotated[str, "Name."]
    type: Annotated[str, "Type."]
    deleted: Annotated[int, "Messages that were deleted."]
    unacknowledged: Annotated[int | None, "Messages that a consumer had just before, and that stay."]
    failure: Annotated[str | None, "Reason why it was not emptied, as a sentence."]
    hint: Annotated[str | None, "Remedy, as a sentence."]


class PurgedData(TypedDict):
    """Queues that were emptied."""

    queues: Annotated[list[PurgedQueueData], "Queues, in the order in which they were named."]


class FailedLineData(TypedDict):
    """A message of a file that is in no queue."""

    line: Annotated[int, "Line of the file, counted from 1."]
    why: Annotated[str, "Reason, as a sentence."]


class LinesData(TypedDict):
    """A range of lines of a file."""

    first: Annotated[int, "First line."]
    last: Annotated[int, "Last line."]


class LoadedData(TypedDict):
    """Messages that were loaded from a file."""

    file: Annotated[str, "File."]
    queue: Annotated[str | None, "Queue that they went to; null if an exchange was named."]
    exchange: Annotated[str, "Exchange that they were published to; empty for the default exchange."]
    confirmed: Annotated[int, "Messages that are in a queue, as RabbitMQ has confirmed."]
    failed: Annotated[list[FailedLineData], "Messages that are in no queue."]
    without_user_id: Annotated[int, "Messages without their user_id, which named another user than the login."]
    without_copies: Annotated[int, "Messages without their headers CC and BCC."]
    next_line: Annotated[int | None, "First line that is not decided; null if the file is done."]
    doubtful: Annotated[LinesData | None, "Lines that were sent, and whose messages may be in a queue or not."]
    failure: Annotated[str | None, "Reason why the file is not done, as a sentence."]
    hint: Annotated[str | None, "Remedy, as a sentence."]
