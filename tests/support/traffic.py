"""Live traffic: publishers with confirms, a consumer that acknowledges, and a record of every message of both.

A message is a publisher and a number. A publisher that is cut sends what was not confirmed as a new message, so
each message is known to be in a queue, or in doubt.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import amqp

from attune_infra.messages.moving import DOUBT_HEADER, END_HEADER
from support.virtual_host import VirtualHost

Id: TypeAlias = tuple[int, int]
FAILURES = (amqp.AMQPError, OSError)
_PAUSE = 0.02
_SILENCE = 1.0
"""Seconds without a message after which a queue has been read."""


@dataclass
class Record:
    """The messages that were sent and confirmed, that are in doubt, and that were received, in their order."""

    sent: set[Id] = field(default_factory=set)
    doubtful: set[Id] = field(default_factory=set)
    returned: list[Id] = field(default_factory=list)
    received: list[Id] = field(default_factory=list)
    marked: set[Id] = field(default_factory=set)
    """Messages that carry the mark of those which may be doubled."""

    @property
    def lost(self) -> set[Id]:
        return self.sent - set(self.received)

    @property
    def doubled(self) -> set[Id]:
        return {id_ for id_, count in Counter(self.received).items() if count > 1}

    @property
    def inversions(self) -> int:
        """The number of messages that were received behind a newer one of their publisher."""
        newest: dict[int, int] = {}
        found = 0
        for publisher, number in self.received:
            found += number < newest.get(publisher, -1)
            newest[publisher] = max(number, newest.get(publisher, -1))
        return found

    def places_of(self, messages: set[Id]) -> dict[Id, list[int]]:
        """Return where some of these messages stand among those that were received."""
        few = sorted(messages)[:20]
        return {id_: [place for place, found in enumerate(self.received) if found == id_] for id_ in few}

    def note(self, message: Any) -> None:
        headers = message.properties.get("application_headers", {})
        if END_HEADER.decode() in headers:
            return
        publisher, number = map(int, message.body.split())
        self.received.append((publisher, number))
        if DOUBT_HEADER.decode() in headers:
            self.marked.add((publisher, number))


def message_of(publisher: int, number: int) -> amqp.Message:
    return amqp.Message(f"{publisher} {number}", delivery_mode=2)


def publish_many(channel: Any, exchange: str, routing_key: str, publisher: int, count: int) -> set[Id]:
    """Publish messages, and wait for all confirms together."""
    channel.confirm_select()
    open_ = set(range(1, count + 1))

    def on_ack(tag: int, multiple: bool) -> None:
        open_.difference_update(range(1, tag + 1) if multiple else (tag,))

    channel.events["basic_ack"].add(on_ack)
    for number in range(count):
        channel.basic_publish(message_of(publisher, number), exchange=exchange, routing_key=routing_key)
    while open_:
        channel.connection.drain_events(timeout=30)
    return {(publisher, number) for number in range(count)}


class Publisher(threading.Thread):
    """Publishes one message after another, each confirmed and mandatory, until it is told to stop."""

    def __init__(self, vhost: VirtualHost, record: Record, name: int, exchange: str, routing_key: str) -> None:
        super().__init__(daemon=True)
        self._vhost, self._record, self._id = vhost, record, name
        self._exchange, self._routing_key = exchange, routing_key
        self.stopping = threading.Event()
        self._number = 0

    def run(self) -> None:
        while not self.stopping.is_set():
            with suppress(*FAILURES):
                self._publish()
            self.stopping.wait(_PAUSE)

    def _publish(self) -> None:
        channel = self._vhost.client().channel()
        channel.confirm_select()
        try:
            while not self.stopping.is_set():
                self._publish_one(channel)
        finally:
            channel.connection.collect()

    def _publish_one(self, channel: Any) -> None:
        id_ = (self._id, self._number)
        self._number += 1
        returned: list[object] = []
        channel.events["basic_return"] = {lambda *unroutable: returned.append(unroutable)}
        self._record.doubtful.add(id_)
        channel.basic_publish_confirm(
            message_of(*id_), exchange=self._exchange, routing_key=self._routing_key, mandatory=True
        )
        self._record.doubtful.discard(id_)
        if returned:
            self._record.returned.append(id_)
        else:
            self._record.sent.add(id_)
        self.stopping.wait(0.001)


class Consumer(threading.Thread):
    """Consumes queues, the first that exists; consumes again when it is cancelled, as services do."""

    def __init__(self, vhost: VirtualHost, record: Record, queues: Iterable[str]) -> None:
        super().__init__(daemon=True)
        self._vhost, self._record, self._queues = vhost, record, tuple(queues)
        self.stopping = threading.Event()

    def run(self) -> None:
        while not self.stopping.is_set():
            for queue in self._queues:
                with suppress(*FAILURES):
                    self._consume(queue)
            self.stopping.wait(_PAUSE)

    def _consume(self, queue: str) -> None:
        channel = self._vhost.client().channel()
        cancelled = threading.Event()

        def take(message: Any) -> None:
            self._record.note(message)
            channel.basic_ack(message.delivery_tag)

        try:
            channel.basic_qos(0, 20, a_global=False)
            tag = channel.basic_consume(queue, callback=take, on_cancel=lambda _: cancelled.set())
            while not (self.stopping.is_set() or cancelled.is_set()):
                with suppress(TimeoutError):
                    channel.connection.drain_events(timeout=0.05)
            if not cancelled.is_set():
                channel.basic_cancel(tag)
        finally:
            channel.connection.close()


@contextmanager
def running(*threads: Publisher | Consumer) -> Iterator[None]:
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.stopping.set()
        for thread in threads:
            thread.join()


def read_all(vhost: VirtualHost, record: Record, queue: str, *, is_stream: bool = False) -> None:
    """Receive everything that a queue holds; after a restart, a quorum queue may take long to begin."""
    connection = vhost.client(timeout=60)
    channel = connection.channel()
    last = [time.monotonic()]

    def take(message: Any) -> None:
        record.note(message)
        channel.basic_ack(message.delivery_tag)
        last[0] = time.monotonic()

    channel.basic_qos(0, 1000, a_global=False)
    arguments = {"x-stream-offset": "first"} if is_stream else {}
    channel.basic_consume(queue, callback=take, arguments=arguments)
    while time.monotonic() < last[0] + _SILENCE:
        with suppress(TimeoutError):
            connection.drain_events(timeout=0.1)
    connection.close()
