"""Channels and the connection of py-amqp, with what declaring and deleting in lanes needs.

A lane is a channel that changes without waiting, and asks after each piece whether the piece went well.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias, TypeVar

import amqp
from amqp import spec
from amqp.method_framing import frame_writer

from attune_infra.broker import request_log
from attune_infra.broker.wire import forms_of, queue_arguments, widen
from attune_infra.topology.model import Binding, Exchange, Queue

Declarable: TypeAlias = Exchange | Queue | Binding


_Item = TypeVar("_Item")
_Item_contra = TypeVar("_Item_contra", contravariant=True)


class Order(Protocol[_Item_contra]):
    """A change of one object over a lane, which waits for the broker's answer or not."""

    def __call__(self, lane: Lane, item: _Item_contra, /, *, nowait: bool) -> None: ...


class Lane(amqp.Channel):  # type: ignore[misc] # the package ships no types
    """A channel that remembers why the broker closed it.

    py-amqp raises that in the call that happens to be reading, which may belong to another channel.
    """

    failure: Exception | None = None
    _deleted_names: deque[str]
    """Queues under deletion, whose numbers of messages are to be told, in their order."""
    _asked = 0
    _answered = 0

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._deleted_names = deque()

    @property
    def is_working(self) -> bool:
        """True while the broker still owes an answer."""
        return self.failure is None and self._answered < self._asked

    def send_all(self, pieces: Iterable[Iterable[_Item]], order: Order[_Item]) -> None:
        """Give an order for each object without waiting, and ask after each piece whether it went well."""
        for piece in pieces:
            for item in piece:
                order(self, item, nowait=True)
            self._ask()

    def take_answers(self) -> int:
        """Return the number of questions answered since the last call."""
        answered, self._answered, self._asked = self._answered, 0, self._asked - self._answered
        return answered

    def declare(self, item: Declarable, *, nowait: bool) -> None:
        match item:
            case Exchange():
                self._declare_exchange(item, nowait=nowait)
            case Queue():
                self.queue_declare(
                    item.name,
                    durable=item.durable,
                    auto_delete=item.auto_delete,
                    arguments=queue_arguments(item),
                    nowait=nowait,
                )
            case Binding():
                bind = self.queue_bind if item.destination_type == "queue" else self.exchange_bind
                bind(
                    item.destination,
                    item.source,
                    routing_key=item.routing_key,
                    arguments=widen(dict(item.arguments)),
                    nowait=nowait,
                )

    def delete(self, queue: Queue, *, guarded: bool, nowait: bool) -> None:
        """Delete a queue; a guarded one only if it has neither ready messages nor consumers.

        Only classic queues can be guarded: of a quorum queue, RabbitMQ closes the connection for that, and a
        stream is deleted all the same.
        """
        self.queue_delete(queue.name, if_unused=guarded, if_empty=guarded, nowait=nowait)

    def delete_counting(self, queue: Queue, counts: dict[str, int], *, nowait: bool) -> None:
        """Delete a queue, and add the number of messages in it to `counts`.

        RabbitMQ tells it in its answer, which comes before that to the next question.
        """
        names = self._deleted_names

        def note(messages: int) -> None:
            name = names.popleft()
            counts[name] = counts.get(name, 0) + messages

        self._callbacks[spec.Queue.DeleteOk] = note
        names.append(queue.name)
        self.send_method(
            spec.Queue.Delete,
            "Bsbbb",
            (0, queue.name, False, False, False),
            wait=None if nowait else spec.Queue.DeleteOk,
        )

    def unbind_exactly(self, binding: Binding, *, nowait: bool) -> None:
        """Delete a binding, in the one form that its arguments have.

        RabbitMQ answers in any case, before it answers the next question; without waiting, that answer is ignored.
        """
        is_queue = binding.destination_type == "queue"
        place = (0, binding.destination, binding.source, binding.routing_key)
        if is_queue:
            method, shape, answer = spec.Queue.Unbind, "BsssF", spec.Queue.UnbindOk
        else:
            method, shape, answer = spec.Exchange.Unbind, "BsssbF", spec.Exchange.UnbindOk
        arguments = (*place, dict(binding.arguments)) if is_queue else (*place, nowait, dict(binding.arguments))
        self.send_method(method, shape, arguments, wait=None if nowait else answer)

    def unbind(self, binding: Binding) -> None:
        """Delete a binding, in every form of its arguments that a listing does not tell apart."""
        unbind = self.queue_unbind if binding.destination_type == "queue" else self.exchange_unbind
        for arguments in forms_of(binding):
            unbind(binding.destination, binding.source, routing_key=binding.routing_key, arguments=arguments)

    def count(self, queues: Sequence[str], counts: dict[str, tuple[int, int]]) -> None:
        """Ask for the numbers of ready messages and consumers of each queue.

        `counts` is complete when the lane stops working.
        """
        self._callbacks[spec.Queue.DeclareOk] = lambda queue, *found: counts.update({queue: found})
        for queue in queues:
            self.send_method(spec.Queue.Declare, "BsbbbbbF", (0, queue, True, False, False, False, False, {}))
        self._ask()

    def publish(self, message: amqp.Message, exchange: str, routing_key: str) -> bool:
        """Publish a message and wait for the confirm; return True if it reached a queue."""
        returned: list[object] = []
        self.events["basic_return"] = {lambda *unroutable: returned.append(unroutable)}
        self.basic_publish_confirm(message, exchange, routing_key, mandatory=True)
        return not returned

    def wait(self, method: Any, callback: Any = None, timeout: Any = None, returns_tuple: bool = False) -> Any:
        """Wait for an answer; raise the broker's reason if it closed the channel instead."""
        try:
            return super().wait(method, callback, timeout, returns_tuple)
        except amqp.RecoverableConnectionError as error:
            raise self.failure or error from error

    def _ask(self) -> None:
        """Send a question that changes nothing. Its answer comes after everything sent before is done."""
        self._callbacks[spec.Basic.QosOk] = self._on_answer
        self.send_method(spec.Basic.Qos, "lBb", (0, 0, False))
        self._asked += 1

    def _on_answer(self) -> None:
        self._answered += 1

    def _declare_exchange(self, exchange: Exchange, *, nowait: bool) -> None:
        """Declare an exchange; py-amqp's own method lacks `internal`."""
        self.send_method(
            spec.Exchange.Declare,
            "BssbbbbbF",
            (
                0,
                exchange.name,
                exchange.type,
                False,
                exchange.durable,
                exchange.auto_delete,
                exchange.internal,
                nowait,
                dict(exchange.arguments),
            ),
            wait=None if nowait else spec.Exchange.DeclareOk,
        )

    def _on_close(self, reply_code: int, reply_text: str, class_id: int, method_id: int) -> None:
        self.failure = amqp.exceptions.error_for_code(
            reply_code, reply_text, (class_id, method_id), amqp.ChannelError
        )
        self.send_method(spec.Channel.CloseOk)
        self.collect()


class Outbox:
    """The writer of py-amqp: it sends each frame at once, or holds frames back to send them as one.

    A system call and a packet for each frame cost client and broker more than the frames themselves.
    """

    def __init__(self, send: Callable[[bytes | memoryview], None]) -> None:
        self._send = send
        self._held: bytearray | None = None

    def write(self, frame: bytes | memoryview) -> None:
        if self._held is None:
            self._send(frame)
        else:
            self._held += frame

    @contextmanager
    def as_one(self) -> Iterator[None]:
        """Send the frames of a block at its end; none of them if the block fails."""
        self._held = held = bytearray()
        try:
            yield
        finally:
            self._held = None
        self._send(memoryview(held))


class Connection(amqp.Connection):  # type: ignore[misc] # the package ships no types
    Channel = Lane
    outbox: Outbox
    blocked: str | None = None
    """The reason why the broker takes no messages now; None if it takes them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(frame_writer=self._through_outbox, **options)

    def begin_lane(self) -> Lane:
        """Return a lane whose opening is not answered yet; it may be used at once."""
        lane = Lane(self)
        lane.send_method(spec.Channel.Open, "s", ("",))
        return lane

    def open_lanes(self, count: int) -> list[Lane]:
        """Return open lanes, which cost one round trip together."""
        if count <= 0:
            return []
        with self.outbox.as_one():
            lanes = [self.begin_lane() for _ in range(count)]
        while not all(lane.is_open for lane in lanes):
            self.drain_events()
        return lanes

    def _through_outbox(self, _: amqp.Connection, transport: Any) -> Any:
        self.outbox = Outbox(transport.write)
        write = frame_writer(self, self.outbox)
        return request_log.logged_writer(write) if request_log.is_on() else write

    def on_inbound_method(self, channel_id: int, method_sig: Any, payload: Any, content: Any) -> Any:
        """Handle a method of the broker, after logging it if that is wanted; note an alarm, with its reason."""
        if request_log.is_on():
            request_log.log_inbound(channel_id, method_sig)
        if method_sig == spec.Connection.Blocked:
            # its two numbers, and the length of the text, come first
            self.blocked = bytes(payload[5:]).decode(errors="replace")
        elif method_sig == spec.Connection.Unblocked:
            self.blocked = None
        return super().on_inbound_method(channel_id, method_sig, payload, content)

    def drain_events(self, timeout: float | None = None) -> None:
        """Wait for the next frame of the broker, at most as long as the read time-out."""
        super().drain_events(self.read_timeout if timeout is None else timeout)
