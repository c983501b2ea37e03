"""Messages that died, each in its way, in the queues of a virtual host."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import amqp

from attune_infra.broker.http.management import Management
from support.eventually import eventually
from support.virtual_host import VirtualHost

DEAD: Final = "dead"
"""The queue for all dead letters."""
ORDERS: Final = "orders"
"""The topic exchange in front of the queues."""
REASONS: Final = ("expired", "rejected", "maxlen", "delivery_limit")
"""Reasons of death, which are also the names of the queues, and the routing keys of their messages."""

_FULL: Final = "full"


def declare(channel: amqp.Channel, kind: str = "classic") -> None:
    """Declare a queue for each reason, whose dead letters go to `DEAD`, a queue of this type."""
    channel.exchange_declare(ORDERS, "topic", durable=True, auto_delete=False)
    channel.exchange_declare("dlx", "fanout", durable=True, auto_delete=False)
    channel.queue_declare(DEAD, durable=True, auto_delete=False, arguments={"x-queue-type": kind})
    channel.queue_bind(DEAD, "dlx")
    for reason in REASONS:
        arguments: dict[str, Any] = {"x-dead-letter-exchange": "dlx"}
        if reason == "delivery_limit":
            arguments |= {"x-queue-type": "quorum", "x-delivery-limit": 1}
        channel.queue_declare(reason, durable=True, auto_delete=False, arguments=arguments)
        channel.queue_bind(reason, ORDERS, f"{reason}.#")


def publish(
    channel: amqp.Channel, reason: str, ids: Iterable[str], *, key: str | None = None, **properties: Any
) -> None:
    """Publish messages that are meant to die for a reason."""
    if reason == "expired":
        properties = {"expiration": "1", **properties}
    for each in ids:
        message = amqp.Message(each, message_id=each, delivery_mode=2, **properties)
        channel.basic_publish(message, ORDERS, key or reason)


def kill(channel: amqp.Channel, vhost: VirtualHost, *reasons: str) -> None:
    """Let what is in the queues die, each for its reason."""
    for reason in reasons or REASONS:
        match reason:
            case "rejected":
                while (message := channel.basic_get(reason)) is not None:
                    channel.basic_reject(message.delivery_tag, requeue=False)
            case "delivery_limit":
                while (message := channel.basic_get(reason)) is not None:
                    channel.basic_reject(message.delivery_tag, requeue=True)
            case "maxlen":
                _empty_by_policy(vhost)
    wait_for(channel, dict.fromkeys(reasons or REASONS, 0))


def wait_for(channel: amqp.Channel, numbers: Mapping[str, int]) -> None:
    """Wait until queues hold these numbers of messages."""
    eventually(lambda: {queue: count(channel, queue) for queue in numbers}, dict(numbers).__eq__, within=60)


def _empty_by_policy(vhost: VirtualHost) -> None:
    """Shorten the queue to nothing by a policy, and remove the policy again."""
    management = Management(vhost.settings())
    policy = {"pattern": "^maxlen$", "definition": {"max-length": 0}, "apply-to": "queues"}
    connection = vhost.client()
    channel = connection.channel()
    management.put("policies", vhost.name, _FULL, body=policy)
    wait_for(channel, {"maxlen": 0})
    management.delete("policies", vhost.name, _FULL)
    connection.close()
    management.close()


def count(channel: amqp.Channel, queue: str) -> int:
    """Return the number of messages that are ready in a queue."""
    return int(channel.queue_declare(queue, passive=True).message_count)


def drain(channel: amqp.Channel, queue: str) -> Iterator[amqp.Message]:
    """Take all messages out of a queue."""
    while (message := channel.basic_get(queue, no_ack=True)) is not None:
        yield message


def bodies(channel: amqp.Channel, queue: str) -> list[str]:
    """Take all messages out of a queue, and return their bodies."""
    return [str(message.body) for message in drain(channel, queue)]
