"""Publish messages, and find the queues they arrive in.

Every message is mandatory. The broker confirms it when it is in all its queues, or was returned. The queues are
read after the last confirm. Reading empties them, so use a virtual host without other messages.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import amqp

from attune_infra.broker.failures.refusal import refusal_of
from attune_infra.topology.model import Message
from attune_infra.topology.probe import Arrival


def arrivals(connection: amqp.Connection, messages: Sequence[Message], queues: Collection[str]) -> list[Arrival]:
    """Return, for each message, the queues it arrived in, or the broker's reason for refusing it."""
    refused: dict[int, str] = {}
    publisher = _Publisher(connection)
    for number, message in enumerate(messages):
        if reason := publisher.publish(message, str(number)):
            refused[number] = reason
    found = _empty_queues(connection, len(messages), queues)
    return [Arrival(tuple(sorted(found[number])), refused.get(number)) for number in range(len(messages))]


class _Publisher:
    """A channel with confirms. The broker closes it when it refuses a message; the next message opens another."""

    def __init__(self, connection: amqp.Connection) -> None:
        self.connection = connection
        self.channel: Any = None

    def publish(self, message: Message, message_id: str) -> str | None:
        """Publish a message and wait for the confirm; return the broker's reason if it refuses."""
        if self.channel is None or not self.channel.is_open:
            self.channel = self.connection.channel()
            self.channel.confirm_select()
            self.channel.events["basic_return"].add(_ignore_return)
        sent = amqp.Message("", message_id=message_id, application_headers=dict(message.headers))
        try:
            self.channel.basic_publish_confirm(sent, message.exchange, message.routing_key, mandatory=True)
        except amqp.exceptions.MessageNacked:
            return "it was not confirmed"
        except amqp.ChannelError as error:
            return refusal_of(error).text
        return None


def _ignore_return(*_: object) -> None:
    """Do nothing, but keep py-amqp from raising. A returned message is found in no queue."""


def _empty_queues(connection: amqp.Connection, count: int, queues: Collection[str]) -> list[set[str]]:
    """Take all messages from the queues; return, for each published message, the queues it was in."""
    found: list[set[str]] = [set() for _ in range(count)]
    channel = connection.channel()
    for queue in queues:
        while message := channel.basic_get(queue, no_ack=True):
            found[int(message.properties["message_id"])].add(queue)
    return found
