"""The queues of one worker over AMQP 0-9-1: declared as the worker itself declares them, and consumed.

Nothing here uses the management API. So a worker needs no user tag and starts as soon as AMQP answers, and
thousands of workers that return at once list nothing.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import amqp

from attune_infra.broker import faults
from attune_infra.broker.amqp import Amqp
from attune_infra.broker.refusal import Refusal, no_answer, refusal_of
from attune_infra.errors import BrokerUnreachable, RequestRefused
from attune_infra.fleet.delivery import Delivery
from attune_infra.settings import Settings
from attune_infra.topology.facts.protocols import needs_http
from attune_infra.topology.model import Binding, Exchange, Queue, Topology, TopologyObject, label
from attune_infra.topology.permissions.commands import usage_of
from attune_infra.topology.permissions.needs import Need, Over
from attune_infra.topology.permissions.steps import Case
from attune_infra.topology.target import Target
from attune_infra.topology.worker import bindings_of, consumer_tag_of, queues_of, worker_family

HEARTBEAT: Final = 30.0
"""Seconds of silence after which the broker and the worker give each other up."""


class AmqpInbox:
    """The queues of one worker as `interfaces.Inbox`."""

    def __init__(
        self,
        settings: Settings,
        topology: Topology,
        *,
        prefetch: int,
        dead_letter_exchange: str,
        on_open: Callable[[Target], None] = lambda _: None,
    ) -> None:
        self._settings, self._topology, self._family = settings, topology, worker_family(topology)
        self._prefetch, self._dead_letter_exchange, self._on_open = prefetch, dead_letter_exchange, on_open
        self._amqp = Amqp(settings, heartbeat=HEARTBEAT, on_open=on_open)
        self._arrived: deque[Delivery] = deque()
        self._channels: dict[str, amqp.Channel] = {}
        self._deleted: list[str] = []

    def open(self, worker_id: int) -> tuple[str, ...]:
        self.abandon()
        self._arrived.clear()
        self._deleted.clear()
        self._queues = queues_of(self._family, worker_id)
        self._bindings = bindings_of(self._family, worker_id)
        self._amqp.target()  # a login or virtual host that is refused is no refusal of a queue
        refused = self._declare_shared()
        for name, refusal in _refusals(self._amqp, (*self._queues, *self._bindings)):
            raise faults.queue_denied(name, refusal, worker_id, self._needs(worker_id), self._settings)
        tag = consumer_tag_of(self._family, worker_id)
        for queue in self._queues:
            try:
                self._channels[queue.name] = self._consume(queue, tag)
            except (amqp.AMQPError, OSError) as error:
                late = isinstance(error, TimeoutError)
                refusal = no_answer(self._settings.timeout) if late else refusal_of(error)
                name, needs = f"queue {queue.name}", self._needs(worker_id)
                raise faults.queue_denied(name, refusal, worker_id, needs, self._settings) from error
        return refused

    def close(self) -> None:
        self._channels.clear()
        self._amqp.close()

    def abandon(self) -> None:
        self._channels.clear()
        self._amqp.forget()

    def fileno(self) -> int:
        channel = next(iter(self._channels.values()))
        return int(channel.connection.sock.fileno())

    def receive(self) -> Sequence[Delivery]:
        self._read_frames()
        arrived = tuple(self._arrived)
        self._arrived.clear()
        return arrived

    def acknowledge(self, delivery: Delivery) -> bool:
        return self._settle(delivery, lambda channel, tag: channel.basic_ack(tag))

    def reject(self, delivery: Delivery, reason: str) -> bool:
        message: Any = delivery.receipt
        if not message.channel.is_open:
            return False
        if message.queue_dead_letters:
            return self._settle(delivery, lambda channel, tag: channel.basic_reject(tag, requeue=False))
        copy = _dead_letter(message, reason)
        exchange, key = self._dead_letter_exchange, message.delivery_info["routing_key"]
        if not self._amqp.publish(exchange, key, copy):
            raise RequestRefused(
                f"dead letter exchange {exchange} leads to no queue, so the message is kept",
                hint="`attune-infra verify` shows what is missing; `attune-infra setup` creates it",
            )
        return self.acknowledge(delivery)

    def retire(self) -> None:
        try:
            for queue in self._queues:
                if not queue.auto_delete:
                    self._channels[queue.name].basic_cancel(_tag_of(self._channels[queue.name]))
            for binding in self._bindings:
                if self._is_auto_delete(binding.destination):
                    self._channels[binding.destination].queue_unbind(
                        binding.destination, binding.source, binding.routing_key, arguments=dict(binding.arguments)
                    )
        except (amqp.AMQPError, OSError) as error:
            raise faults.from_amqp_connect(error, self._settings) from error

    def is_empty(self) -> bool:
        try:
            return not any(
                self._channels[queue.name].queue_declare(queue.name, passive=True).message_count
                for queue in self._queues
                if queue.auto_delete
            )
        except (amqp.AMQPError, OSError) as error:
            raise faults.from_amqp_connect(error, self._settings) from error

    def _needs(self, worker_id: int) -> tuple[Need, ...]:
        """Return all that the user of AMQP needs for this worker."""
        case = Case(want=self._topology, worker_ids=(worker_id,), dead_letter_exchange=self._dead_letter_exchange)
        return tuple(need for need in usage_of("worker run").needs(case) if need.over is Over.AMQP)

    def _declare_shared(self) -> tuple[str, ...]:
        """Declare the objects that all workers share; return a sentence for each that was refused.

        RabbitMQ 4.3 takes more than a minute to refuse a queue whose node was lost. This must not keep a worker
        from its own queues. So these declarations use another connection, and end after one or two time-outs.
        """
        items = [item for item in self._topology.objects() if not (_is_external(item) or needs_http(item))]
        connection, end = Amqp(self._settings, on_open=self._on_open), time.monotonic() + self._settings.timeout
        refused = []
        try:
            for name, refusal in _refusals(connection, items):
                refused.append(f"{name}: {refusal.text}")
                if time.monotonic() > end:
                    return (
                        *refused,
                        "the remaining shared objects were not declared, because the broker was slow",
                    )
        finally:
            connection.forget()
        return tuple(refused)

    def _consume(self, queue: Queue, tag: str) -> amqp.Channel:
        """Consume a queue on a channel of its own: a worker has one consumer tag, which is unique on a channel."""
        channel = self._amqp.open_channel()
        channel.auto_decode = False
        dead_letters = "x-dead-letter-exchange" in queue.arguments

        def arrive(message: Any) -> None:
            message.queue, message.queue_dead_letters = queue.name, dead_letters
            self._arrived.append(Delivery(message.body, _label_of(message), message))

        channel.basic_qos(0, self._prefetch, a_global=False)
        channel.basic_consume(
            queue.name, tag, callback=arrive, on_cancel=lambda _: self._deleted.append(queue.name)
        )
        return channel

    def _read_frames(self) -> None:
        """Read what has arrived, and send a heartbeat if due; raise `BrokerUnreachable` if consuming has ended."""
        try:
            connection = next(iter(self._channels.values())).connection
            while connection is not None:
                connection.drain_events(timeout=0)
        except TimeoutError:
            pass
        except (amqp.AMQPError, OSError) as error:
            raise faults.from_amqp_connect(error, self._settings) from error
        for queue, channel in self._channels.items():
            if queue in self._deleted:
                raise BrokerUnreachable(f"queue {queue} was deleted under its consumer")
            if not channel.is_open:
                reason = refusal_of(getattr(channel, "failure", None) or ConnectionError("closed")).text
                raise BrokerUnreachable(f"the channel of queue {queue} was closed: {reason}")
        try:
            connection.heartbeat_tick()
        except (amqp.AMQPError, OSError) as error:
            self.abandon()
            raise BrokerUnreachable("the broker has sent no heartbeat") from error

    def _settle(self, delivery: Delivery, send: Callable[[amqp.Channel, int], None]) -> bool:
        """Settle a delivery with a command; return False if its channel is closed."""
        message: Any = delivery.receipt
        if not message.channel.is_open:
            return False
        try:
            send(message.channel, message.delivery_info["delivery_tag"])
        except (amqp.AMQPError, OSError):
            return False
        return True

    def _is_auto_delete(self, name: str) -> bool:
        return any(queue.auto_delete for queue in self._queues if queue.name == name)


def _is_external(item: TopologyObject) -> bool:
    return isinstance(item, Exchange | Queue) and item.external


def _refusals(connection: Amqp, items: Iterable[TopologyObject]) -> Iterator[tuple[str, Refusal]]:
    """Declare objects, kind by kind; yield the label and the refusal of each that was refused."""
    wanted = list(items)
    for kind in (Exchange, Queue, Binding):
        for item, refusal in connection.declare([each for each in wanted if isinstance(each, kind)]):
            if refusal is not None:
                yield label(item), refusal


def _tag_of(channel: amqp.Channel) -> str:
    return str(next(iter(channel.callbacks)))


def _label_of(message: Any) -> str:
    message_id = message.properties.get("message_id")
    return f"message {message_id}" if message_id else f"message number {message.delivery_info['delivery_tag']}"


def _dead_letter(message: Any, reason: str) -> amqp.Message:
    """Return a copy with the reason and the origin, and without expiration.

    RabbitMQ removes the expiration from dead letters too. It writes no `x-death` here, so the origin has headers.
    """
    properties = {
        name: value for name, value in message.properties.items() if name not in {"expiration", "user_id"}
    }
    headers = {
        **properties.pop("application_headers", {}),
        "x-attune-consumer": message.delivery_info["consumer_tag"],
        "x-attune-reason": reason,
        "x-attune-queue": message.queue,
        "x-attune-exchange": message.delivery_info["exchange"],
    }
    return amqp.Message(message.body, application_headers=headers, **properties)
