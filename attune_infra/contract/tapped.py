"""Messages that pass an exchange, one JSON object a line, and the sum of them in the last line."""

from __future__ import annotations

from typing import Annotated, TypedDict

from attune_infra.contract.words import Arguments, Time
from attune_infra.messages.tapped import Ended


class TappedMessageData(TypedDict):
    """A message, on a line of its own. A body that is not text is in base64 instead."""

    schema: Annotated[str, "Name of the schema of this JSON; the number grows if a key is removed or changed."]
    time: Annotated[Time, "Time when it came, in UTC."]
    exchange: Annotated[
        str, "Exchange that it was published to; another one if exchanges are bound to each other."
    ]
    routing_key: Annotated[str, "Routing key."]
    redelivered: Annotated[bool, "True if RabbitMQ has delivered it before."]
    properties: Annotated[Arguments, "Properties by their names, without the headers; missing ones are absent."]
    headers: Annotated[Arguments, "Headers by their names."]
    body: Annotated[str | None, "Body as text; null if it is not text."]
    body_base64: Annotated[str | None, "Body in base64; null if it is text."]


class TappedData(TypedDict):
    """The sum of the messages, on the last line."""

    exchange: Annotated[str, "Exchange that was tapped."]
    keys: Annotated[list[str], "Routing keys of the bindings of the tap."]
    queue: Annotated[str, "Private queue of the tap; it is gone."]
    ended: Annotated[Ended, "Reason for the end: a bound, a signal, or a lost connection."]
    lost: Annotated[str | None, "Sentence about the lost connection; null if it was not lost."]
    seconds: Annotated[float, "Seconds from beginning to end."]
    messages: Annotated[int, "Messages that came."]
    shown: Annotated[int, "Messages that were written; fewer with --max-rate."]
    body_bytes: Annotated[int, "Bytes of the bodies of those that came."]
    dropped: Annotated[int | None, "Messages that RabbitMQ dropped as the tap was too slow; null if not counted."]
    dropped_is_exact: Annotated[bool, "False if more may have been dropped than `dropped`."]
    waiting: Annotated[int | None, "Messages that still waited at the end; null if unknown."]
