"""A queue of orders to migrate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import amqp

from attune_infra.broker.rabbitmq import RabbitMQ
from attune_infra.topology.facts.between import PREFIX

COUNT = 5
"""Messages in the queue."""
Document = Callable[..., str]


def declare(channel: Any, name: str, *, auto_delete: bool = False, **arguments: Any) -> None:
    channel.queue_declare(name, durable=True, auto_delete=auto_delete, arguments=arguments)


def publish(channel: Any, queue: str, count: int) -> None:
    channel.confirm_select()
    for number in range(count):
        channel.basic_publish_confirm(amqp.Message(str(number), delivery_mode=2), routing_key=queue)


def bodies(channel: Any, queue: str) -> list[str]:
    """Take all messages out of a queue."""
    found = []
    while message := channel.basic_get(queue, no_ack=True):
        found.append(message.body)
    return found


def left_behind(broker: RabbitMQ) -> list[str]:
    """Return the objects in between that a migration has not removed."""
    found = broker.read(private=True)
    return [name for name in (*found.queues, *found.exchanges) if name.startswith(PREFIX)]
