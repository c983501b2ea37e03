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

from attune_infra.broker.amqp.connection import Amqp
from attune_infra.broker.failures import faults
from attune_infra.broker.failures.refusal import Code, Refusal, no_answer, refusal_of
from attune_infra.errors import BrokerUnreachable, RequestRefused
from attune_infra.fleet.cautions import DEAD_LETTER_EXCHANGE, cautions_about, leads_nowhere
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
_COUNTS: Final = ("x-acquired-count", "x-delivery-count")
"""Headers in which a quorum queue counts deliveries. The first, new in 4.3, has all of them; the other then leaves
out messages that `basic.nack` gave back."""


class AmqpInbox:
    """The queues of one worker as `interfaces.inbox.Inbox`."""

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
        self._ended: list[str] = []
        self._draining: set[str] = set()

    def open(self, worker_id: int) -> tuple[str, ...]:
        self.abandon()
        self._arrived.clear()
        self._ended.clear()
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
                if isinstance(error, TimeoutError):
                    refusal = no_answer(self._settings.timeout)
                else:
                    refusal = refusal_of(error)
                if lost := faults.unanswered(error, self._settings):
                    refusal = Refusal(Code.NO_MAJORITY, lost.sentence)
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

    def requeue(self, delivery: Delivery) -> bool:
        return self._settle(delivery, lambda channel, tag: channel.basic_reject(tag, requeue=True))

    def cautions(self, max_attempts: int | None) -> tuple[str, ...]:
        nowhere = [queue.name for queue in self._queues if self._drops_dead_letters(queue)]
        version = self._amqp.target().version
        return tuple(cautions_about(self._queues, version=version, nowhere=nowhere, max_attempts=max_attempts))

    def shared(self) -> tuple[str, ...]:
        return tuple(queue.name for queue in self._queues if self._count(queue.name).consumer_count > 1)

    def retire(self) -> tuple[str, ...]:
        try:
            shared = self.shared()
            self._draining = {queue.name for queue in self._queues if queue.auto_delete} - {*shared}
            for queue in self._queues:
                if queue.name not in self._draining:
                    self._channels[queue.name].basic_cancel(_tag_of(self._channels[queue.name]))
            for binding in self._bindings:
                if binding.destination in self._draining:
                    self._channels[binding.destination].queue_unbind(
                        binding.destination, binding.source, binding.routing_key, arguments=dict(binding.arguments)
                    )
        except (amqp.AMQPError, OSError) as error:
            raise faults.from_amqp_connect(error, self._settings) from error
        return shared

    def is_empty(self) -> bool:
        return not any(self._count(name).message_count for name in self._draining)

    def _count(self, name: str) -> Any:
        """Return the `message_count` and the `consumer_count` of one of its queues now."""
        try:
            return self._channels[name].queue_declare(name, passive=True)
        except (amqp.AMQPError, OSError) as error:
            raise faults.from_amqp_connect(error, self._settings) from error

    def _drops_dead_letters(self, queue: Queue) -> bool:
        """Return true if the dead letter exchange of a queue leads nowhere, as far as that is known.

        The topology tells it of its own exchanges, which were declared just now, and the broker of others.
        """
        if DEAD_LETTER_EXCHANGE not in queue.arguments:
            return False
        name = str(queue.arguments[DEAD_LETTER_EXCHANGE])
        found = self._topology.exchanges.get(name)
        if name and (found is None or found.external):
            return not self._exists(name)
        keys = [binding.routing_key for binding in self._bindings if binding.destination == queue.name]
        return any(leads_nowhere(self._topology, queue, key) for key in keys or [queue.name])

    def _exists(self, exchange: str) -> bool:
        """Return false if an exchange is missing; true also if this user may not know."""
        channel = self._amqp.open_channel()
        try:
            channel.exchange_declare(exchange, "direct", passive=True)
            channel.close()
        except amqp.NotFound:
            return False
        except (amqp.AMQPError, OSError):
            return True
        return True

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
            connection.drop()
        return tuple(refused)

    def _consume(self, queue: Queue, tag: str) -> amqp.Channel:
        """Consume a queue on a channel of its own: a worker has one consumer tag, which is unique on a channel."""
        channel = self._amqp.open_channel()
        channel.auto_decode = False
        dead_letters, counts = DEAD_LETTER_EXCHANGE in queue.arguments, queue.type == "quorum"

        def arrive(message: Any) -> None:
            message.queue, message.queue_dead_letters = queue.name, dead_letters
            self._arrived.append(_delivery_of(message, counts=counts))

        channel.basic_qos(0, self._prefetch, a_global=False)
        channel.basic_consume(queue.name, tag, callback=arrive, on_cancel=lambda _: self._ended.append(queue.name))
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
            if queue in self._ended:
                raise BrokerUnreachable(
                    f"RabbitMQ ended the consumer of queue {queue}: the queue was deleted, or a message was not "
                    "finished within its consumer timeout"
                )
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


def _delivery_of(message: Any, *, counts: bool) -> Delivery:
    """Return a message as a delivery; `counts` is true if its queue counts deliveries.

    A message that is delivered for the first time may carry the count of another queue that it came from.
    """
    message.body = message.body or b""  # py-amqp has text for an empty one
    found, headers = message.delivery_info, message.properties.get("application_headers") or {}
    numbers = [headers[name] for name in _COUNTS if isinstance(headers.get(name), int)] or [1]
    redelivered = bool(found["redelivered"])
    origin = (message.queue, found["exchange"], found["routing_key"], str(message.properties.get("message_id")))
    earlier = (numbers[0] if redelivered else 0) if counts else None
    return Delivery(message.body, _label_of(message), message, origin, redelivered, earlier)


def _dead_letter(message: Any, reason: str) -> amqp.Message:
    """Return a copy with the reason and the origin, and without expiration.

    RabbitMQ removes the expiration from dead letters too. It writes no `x-death` here, so the origin has headers.
    """
    properties = {
        name: value for name, value in message.properties.items() if name not in {"expiration", "user_id"}
    }
    given = properties.pop("application_headers", {})
    headers = {
        **{name: value for name, value in given.items() if name not in _COUNTS},
        "x-attune-consumer": message.delivery_info["consumer_tag"],
        "x-attune-reason": reason,
        "x-attune-queue": message.queue,
        "x-attune-exchange": message.delivery_info["exchange"],
    }
    return amqp.Message(message.body, application_headers=headers, **properties)
