"""Publish messages, and see in which queues they arrive.

Each is published as mandatory and waited for until the broker confirms it: by then it is in all its queues, or was
returned. The queues are emptied by that; it is meant for a virtual host of one's own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import amqp

from attune_infra.broker.refusal import refusal_of
from attune_infra.topology.model import Message
from attune_infra.topology.probe import Arrival


def arrivals(connection: amqp.Connection, messages: Sequence[Message], queues: Collection[str]) -> list[Arrival]:
    """Return for each message where it arrived, or the broker's reason if it refused it."""
    refused: dict[int, str] = {}
    publisher = _Publisher(connection)
    for number, message in enumerate(messages):
        if reason := publisher.publish(message, str(number)):
            refused[number] = reason
    found = _found(connection, len(messages), queues)
    return [Arrival(tuple(sorted(found[number])), refused.get(number)) for number in range(len(messages))]


class _Publisher:
    """A channel with confirms; the broker closes it over a message that it refuses, and there is another."""

    def __init__(self, connection: amqp.Connection) -> None:
        self.connection = connection
        self.channel: Any = None

    def publish(self, message: Message, message_id: str) -> str | None:
        """Publish a message and wait for the confirm; return the broker's reason if it refused it."""
        if self.channel is None or not self.channel.is_open:
            self.channel = self.connection.channel()
            self.channel.confirm_select()
            self.channel.events["basic_return"].add(_returned)
        sent = amqp.Message("", message_id=message_id, application_headers=dict(message.headers))
        try:
            self.channel.basic_publish_confirm(sent, message.exchange, message.routing_key, mandatory=True)
        except amqp.exceptions.MessageNacked:
            return "it was not confirmed"
        except amqp.ChannelError as error:
            return refusal_of(error).text
        return None


def _returned(*_: object) -> None:
    """Take note of nothing: what was returned is in no queue, and so is seen there."""


def _found(connection: amqp.Connection, count: int, queues: Collection[str]) -> list[set[str]]:
    found: list[set[str]] = [set() for _ in range(count)]
    channel = connection.channel()
    for queue in queues:
        while message := channel.basic_get(queue, no_ack=True):
            found[int(message.properties["message_id"])].add(queue)
    return found
