"""AMQP 0-9-1: declare and bind many things at once, and count consumers.

A channel works through its commands one after another, but the channels of a connection work side by side,
and a declaration with `no-wait` costs no round trip. So declarations go out in lanes, one channel each, and a
question after every few of them tells that these went well. Where not, those few are gone through again, one by
one, so that each failure is known by its name and the broker's reason, and what came behind them goes out anew.
"""

from __future__ import annotations

import ssl
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice, repeat
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import amqp
from amqp import spec
from amqp.method_framing import frame_writer

from attune_infra import __version__
from attune_infra.broker import faults
from attune_infra.broker.wire import queue_arguments
from attune_infra.errors import BrokerError
from attune_infra.settings import Settings
from attune_infra.topology.model import Binding, Exchange, Message, Queue

if TYPE_CHECKING:
    from attune_infra.topology.probe import Arrival

Declarable: TypeAlias = Exchange | Queue | Binding
Declared: TypeAlias = tuple[Declarable, str | None]
"""What was declared, and the broker's reason if it refused."""

_Share: TypeAlias = "deque[list[Declarable]]"
"""What is to be declared in one lane: pieces, each of which is answered for as a whole."""

LANES: Final = 16
A_PIECE: Final = 16
"""Declarations to a question whether they went well."""
AT_ONCE: Final = 4000
"""Declarations, or queues whose consumers are counted, under way at once."""


class _Lane(amqp.Channel):  # type: ignore[misc] # the package ships no types
    """A channel that remembers why the broker closed it.

    py-amqp's own raises in whichever call happens to be reading, which may be that of another channel.
    """

    failure: Exception | None = None
    _asked = 0
    _answered = 0

    @property
    def is_working(self) -> bool:
        """Whether the broker still owes an answer."""
        return self.failure is None and self._answered < self._asked

    def declare_all(self, pieces: Iterable[Iterable[Declarable]]) -> None:
        """Declare things without waiting, and ask after each piece whether it went well."""
        for piece in pieces:
            for item in piece:
                self.declare(item, nowait=True)
            self._ask()

    def take_answers(self) -> int:
        """Return how many questions were answered since the last time."""
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
                    arguments=dict(item.arguments),
                    nowait=nowait,
                )

    def count_consumers(self, queues: Sequence[str], counts: dict[str, int]) -> None:
        """Ask how many consumers each queue has; they are counted when the lane is not working any more."""
        self._callbacks[spec.Queue.DeclareOk] = lambda queue, _, consumers: counts.update({queue: consumers})
        for queue in queues:
            self.send_method(spec.Queue.Declare, "BsbbbbbF", (0, queue, True, False, False, False, False, {}))
        self._ask()

    def publish(self, message: amqp.Message, exchange: str, routing_key: str) -> bool:
        """Publish a message and wait for the confirm; return whether it reached any queue."""
        returned: list[object] = []
        self.events["basic_return"] = {lambda *unroutable: returned.append(unroutable)}
        self.basic_publish_confirm(message, exchange, routing_key, mandatory=True)
        return not returned

    def wait(self, method: Any, callback: Any = None, timeout: Any = None, returns_tuple: bool = False) -> Any:
        """Wait for an answer; raise the reason if the broker closed the channel instead."""
        try:
            return super().wait(method, callback, timeout, returns_tuple)
        except amqp.RecoverableConnectionError as error:
            raise self.failure or error from error

    def _ask(self) -> None:
        """Ask for something that changes nothing; it is answered when all that was sent before is done."""
        self._callbacks[spec.Basic.QosOk] = self._on_answer
        self.send_method(spec.Basic.Qos, "lBb", (0, 0, False))
        self._asked += 1

    def _on_answer(self) -> None:
        self._answered += 1

    def _declare_exchange(self, exchange: Exchange, *, nowait: bool) -> None:
        """Declare an exchange; py-amqp's own method cannot say `internal`."""
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


class _Outbox:
    """Through which py-amqp writes: straight on, or held back until much can be sent as one.

    A system call and a packet for each frame cost the client and the broker more than the frames themselves.
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
        """Send what a block writes at its end; nothing of it if the block failed."""
        self._held = held = bytearray()
        try:
            yield
        finally:
            self._held = None
        self._send(memoryview(held))


class _Connection(amqp.Connection):  # type: ignore[misc] # the package ships no types
    Channel = _Lane
    outbox: _Outbox

    def __init__(self, **options: Any) -> None:
        super().__init__(frame_writer=self._through_outbox, **options)

    def _through_outbox(self, _: amqp.Connection, transport: Any) -> Any:
        self.outbox = _Outbox(transport.write)
        return frame_writer(self, self.outbox)

    def drain_events(self, timeout: float | None = None) -> None:
        """Wait until the broker says something, such as an answer or the goodbye, but not for ever."""
        super().drain_events(self.read_timeout if timeout is None else timeout)


def json_message(body: str, message_id: str) -> amqp.Message:
    """Return a message that survives a restart of the broker, if its queue does."""
    return amqp.Message(body, content_type="application/json", delivery_mode=2, message_id=message_id)


class Amqp:
    """A connection to one virtual host, opened when first needed and again when the broker closed it."""

    def __init__(self, settings: Settings, *, heartbeat: float = 0) -> None:
        self.settings = settings
        self._heartbeat = heartbeat
        self._connection: _Connection | None = None

    def version(self) -> str:
        """Return RabbitMQ's version as the handshake tells it."""
        return str(self._connected().server_properties.get("version", "unknown"))

    def declare(self, items: Iterable[Declarable]) -> Iterator[Declared]:
        """Declare things that do not depend on each other; yield each with the reason if it was refused.

        They come in no order, each as soon as it is known what became of it.
        """
        waiting, suspects = deque(items), deque[Declarable]()
        shares: list[_Share] = []
        try:
            while waiting:
                shares = _dealt([waiting.popleft() for _ in range(min(AT_ONCE, len(waiting)))])
                yield from ((item, None) for item in self._declare_at_once(shares))
                suspects += chain.from_iterable(share.popleft() for share in shares if share)
                while suspects:
                    reason = self._declare_alone(suspects[0])
                    yield suspects.popleft(), reason
                waiting.extendleft(_all_of(shares))
                shares = []
        except BrokerError as error:
            for item in (*suspects, *_all_of(shares), *waiting):
                yield item, error.sentence

    def consumer_counts(self, queues: Collection[str]) -> dict[str, int]:
        """Return how many consumers each queue has, exactly and now; what is not there is left out.

        It asks by a passive declaration, which starts the lease of a queue with an expiry anew.
        """
        counts: dict[str, int] = {}
        waiting = iter(queues)
        while batch := list(islice(waiting, AT_ONCE)):
            try:
                self._count_at_once(batch, counts)
            except (amqp.AMQPError, OSError) as error:
                raise self._lost(error) from error
        return counts

    def _count_at_once(self, batch: list[str], counts: dict[str, int]) -> None:
        """Count in lanes; one that met a queue which is gone, and was closed for that, is gone through again."""
        lanes = self._lanes(min(LANES, len(batch)))
        with self._connected().outbox.as_one():
            for start, lane in enumerate(lanes):
                lane.count_consumers(batch[start :: len(lanes)], counts)
        deque(self._answers(lanes), maxlen=0)
        if any(lane.failure for lane in lanes):
            for queue in set(batch) - counts.keys():
                [lane] = self._lanes(1)
                lane.count_consumers([queue], counts)
                deque(self._answers([lane]), maxlen=0)

    def arrivals(self, messages: Sequence[Message], queues: Collection[str]) -> list[Arrival]:
        """Publish messages and return for each in which of the queues it arrived; they are emptied by that."""
        from attune_infra.broker.arrivals import arrivals

        try:
            return arrivals(self._connected(), messages, queues)
        except (amqp.AMQPError, OSError) as error:
            raise self._lost(error) from error

    def publish(self, exchange: str, routing_key: str, message: amqp.Message) -> bool:
        """Publish a message; return, once it is confirmed, whether it reached any queue."""
        try:
            [lane] = self._lanes(1)
            return lane.publish(message, exchange, routing_key)
        except (amqp.ChannelError, amqp.exceptions.MessageNacked) as error:
            raise faults.not_published(error, exchange) from error
        except (amqp.AMQPError, OSError) as error:
            raise self._lost(error) from error

    def open_channel(self) -> amqp.Channel:
        """Return a new channel of the connection; raise `BrokerError` if there can be none."""
        try:
            return self._connected().channel()
        except (amqp.AMQPError, OSError) as error:
            raise self._lost(error) from error

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            _close(connection)

    def _declare_at_once(self, shares: Sequence[_Share]) -> Iterator[Declarable]:
        """Declare each share in a lane of its own; take what went well out of it, and yield that."""
        share_of = dict(zip(self._lanes(len(shares)), shares, strict=True))
        outbox = self._connected().outbox
        try:
            for lane, share in share_of.items():
                with outbox.as_one():
                    lane.declare_all(share)
            for lane in self._answers(tuple(share_of)):
                yield from share_of[lane].popleft()
        except (amqp.AMQPError, OSError):
            self.forget()
        except GeneratorExit:  # nobody wants to know the rest, whose answers would be taken for those to the next
            self.forget()
            raise

    def _answers(self, lanes: Sequence[_Lane]) -> Iterator[_Lane]:
        """Yield a lane for each of its questions that is answered, until the broker owes no answer."""
        connection = self._connected()
        while any(lane.is_working for lane in lanes):
            connection.drain_events()
            yield from chain.from_iterable(repeat(lane, lane.take_answers()) for lane in lanes)

    def _declare_alone(self, item: Declarable) -> str | None:
        """Declare one thing and wait; return the broker's reason if it refused."""
        [lane] = self._lanes(1)
        try:
            lane.declare(item, nowait=False)
        except amqp.ChannelError as error:
            return faults.reason_of(error)
        except TimeoutError:
            self.forget()
            return faults.no_answer(self.settings)
        except (amqp.AMQPError, OSError) as error:
            self.forget()
            return faults.reason_of(error)
        return None

    def _lanes(self, count: int) -> list[_Lane]:
        """Return open channels, those that are open already first."""
        connection = self._connected()
        lanes = [lane for lane in connection.channels.values() if isinstance(lane, _Lane) and lane.is_open]
        try:
            lanes.extend(connection.channel() for _ in range(count - len(lanes)))
        except (amqp.AMQPError, OSError) as error:
            raise self._lost(error) from error
        return lanes[:count]

    def _connected(self) -> _Connection:
        if self._connection is None or not self._connection.connected:
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> _Connection:
        endpoint, timeout = self.settings.amqp, self.settings.timeout
        connection = _Connection(
            host=endpoint.netloc,
            userid=endpoint.user,
            password=endpoint.password,
            login_method="PLAIN",
            virtual_host=self.settings.virtual_host,
            ssl=_tls_options(self.settings) if endpoint.tls else False,
            client_properties={"product": "attune-infra", "product_version": __version__},
            heartbeat=self._heartbeat,
            connect_timeout=timeout,
            read_timeout=timeout,
            write_timeout=timeout,
        )
        try:
            connection.connect()
        except (amqp.AMQPError, OSError) as error:
            _close(connection)
            raise faults.from_amqp_connect(error, self.settings) from error
        return connection

    def forget(self) -> None:
        """Drop the connection, whose state is unknown, without waiting for the broker's goodbye."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.collect()

    def _lost(self, error: Exception) -> BrokerError:
        self.forget()
        return faults.from_amqp_connect(error, self.settings)


def _dealt(items: Sequence[Declarable]) -> list[_Share]:
    """Deal things out over lanes, one to each in turn."""
    count = min(LANES, len(items))
    shares = [items[start::count] for start in range(count)]
    return [deque(list(share[at : at + A_PIECE]) for at in range(0, len(share), A_PIECE)) for share in shares]


def _all_of(shares: Iterable[_Share]) -> Iterator[Declarable]:
    return chain.from_iterable(chain.from_iterable(shares))


def _close(connection: _Connection) -> None:
    try:
        connection.close()
    except (amqp.AMQPError, OSError):
        connection.collect()


def _tls_options(settings: Settings) -> dict[str, object]:
    tls = settings.tls
    return {
        "cert_reqs": ssl.CERT_REQUIRED,
        "server_hostname": settings.amqp.host,
        "ca_certs": str(tls.ca_file) if tls.ca_file else None,
        "certfile": str(tls.cert_file) if tls.cert_file else None,
        "keyfile": str(tls.key_file) if tls.key_file else None,
    }
