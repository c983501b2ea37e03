"""Open a move: its ledger, its connection, and its errors in words."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import amqp

from attune_infra.broker.amqp.connection import Amqp
from attune_infra.broker.failures import faults
from attune_infra.broker.failures.alarm import Blocked, blocked
from attune_infra.broker.failures.permissions import read_hint, rights_hint, write_hint
from attune_infra.broker.failures.refusal import Code, Refusal, refusal_of
from attune_infra.broker.hosts import current
from attune_infra.broker.moving import frames
from attune_infra.broker.moving.books import Books
from attune_infra.broker.moving.frames import Method
from attune_infra.broker.moving.intake import OFFSET_HEADER
from attune_infra.broker.moving.line import Line
from attune_infra.broker.moving.mover import Mover
from attune_infra.errors import (
    AccessRefused,
    BrokerBlocked,
    BrokerError,
    BrokerUnreachable,
    InUse,
    NoMajority,
    RequestRefused,
)
from attune_infra.messages.moving import Moved, Orders
from attune_infra.topology.facts.permissions import (
    Right,
    rights_to_consume,
    rights_to_create,
    rights_to_publish,
)
from attune_infra.topology.model import Queue

if TYPE_CHECKING:
    from attune_infra.broker.amqp.lanes import Connection
    from attune_infra.broker.connections import Connections
    from attune_infra.settings import Settings

_PATIENCE: Final = 5.0
"""Seconds in which RabbitMQ notices that the connection of a killed move has ended."""
_PAUSE: Final = 0.2
_DENIED: Final = re.compile(r"access to (queue|exchange) '(.*?)' in vhost")
_CHUNK: Final = 10_000
"""More messages than a chunk of a stream holds."""
_SILENCE: Final = 1.0
_LEADER: Final = "a quorum queue or stream without a leader confirms nothing: `rabbitmq-queues quorum_status NAME`"
_AGAIN: Final = "run the command again: it continues where this one was cut, and loses nothing"
_AGAIN_ANEW: Final = "run the command again: it copies every message, also those that are copied by now"
_WRITTEN: Final = 0.5
"""Seconds after which an idle classic queue has written its acknowledgements (`SYNC_INTERVAL` is 0.2)."""


@contextmanager
def opened(connections: Connections, orders: Orders, on_progress: Callable[[Moved], None]) -> Iterator[Mover]:
    """Yield a mover that has read its ledger; raise as `interfaces.MovingBroker.moving` says."""
    ledger = Queue(name=orders.ledger, type="classic")
    connections.amqp.target()  # raises the reason if there is no connection
    for _, refusal in connections.amqp.declare([ledger]):
        if refusal is not None:
            raise _without_ledger(refusal, orders, connections.settings)
    is_new = connections.amqp.counts([orders.ledger]).get(orders.ledger, (None, None))[0] == 0
    try:
        mover = _start(connections, orders, on_progress)
    except AccessRefused:
        if is_new:
            _withdraw(orders.ledger, connections)
        raise
    try:
        yield mover
    except (amqp.AMQPError, OSError) as error:
        mover.close()
        found = _cut(error, orders, connections)
        if isinstance(found, AccessRefused) and is_new and mover.moved == Moved():
            _withdraw(orders.ledger, connections)
        raise found from error
    finally:
        mover.close()
    if mover.moved.moved and not orders.copies:
        time.sleep(_WRITTEN)  # before the ledger goes: what comes back after a restart is told by it
    if orders.drops_ledger and mover.is_settled:
        _drop(orders.ledger, connections)


def carry(connections: Connections, ledger: str, prints: Sequence[bytes]) -> None:
    """Note messages in the ledger of the next move, which will not send them on.

    They are told by the fingerprints that another move had for them. Raise `BrokerError` if that fails.
    """
    for _, refusal in connections.amqp.declare([Queue(name=ledger, type="classic")]):
        if refusal is not None:
            raise RequestRefused(f"queue {ledger}, which keeps the state of the move, was refused: {refusal.text}")
    connection = Amqp(connections.settings).take_connection()
    try:
        line = Line(connection, timeout=connections.settings.timeout)
        line.send(b"".join((*Books(line, ledger).carried(prints), frames.commit(line.channel))))
        while not any(isinstance(event, Method) and event.id == frames.COMMITTED for event in line.receive()):
            pass
    except (amqp.AMQPError, OSError) as error:
        raise faults.from_amqp_connect(error, connections.settings) from error
    finally:
        connection.collect()


def _drop(ledger: str, connections: Connections) -> None:
    """Delete a ledger that nobody needs any more; one that stays does no harm."""
    with suppress(BrokerError, amqp.AMQPError, OSError):
        connections.amqp.open_channel().queue_delete(ledger)


def _start(connections: Connections, orders: Orders, on_progress: Callable[[Moved], None]) -> Mover:
    """Return a mover once no other one holds the ledger."""
    end = time.monotonic() + _PATIENCE
    while True:
        connection = Amqp(connections.settings).take_connection()
        try:
            return _open(connection, connections.settings, orders, on_progress)
        except (amqp.AMQPError, OSError) as error:
            connection.collect()
            refusal = refusal_of(error)
            if not refusal.is_exclusive_use or orders.ledger not in refusal.text:
                raise _cut(error, orders, connections) from error
            if time.monotonic() > end:
                raise InUse(
                    f"another command moves messages out of queue {orders.source} now",
                    hint="wait until it has ended; if none runs, RabbitMQ has not noticed the end of one, "
                    "because of an alarm (`attune-infra doctor` names it) or of a queue without leader: "
                    f"end the alarm, or close the connection that consumes {orders.ledger}",
                ) from error
            time.sleep(_PAUSE)


def _open(
    connection: Connection, settings: Settings, orders: Orders, on_progress: Callable[[Moved], None]
) -> Mover:
    line = Line(connection, timeout=settings.timeout)
    mover = Mover(line, orders, user=settings.amqp.user, on_progress=on_progress)
    mover.open()
    return mover


def _withdraw(ledger: str, connections: Connections) -> None:
    """Delete the ledger of a move that could not begin, unless another move uses it by now."""
    end = time.monotonic() + _PATIENCE
    with suppress(BrokerError, amqp.AMQPError, OSError):
        while time.monotonic() < end:
            with suppress(amqp.PreconditionFailed):
                connections.amqp.open_channel().queue_delete(ledger, if_unused=True)
                return
            time.sleep(_PAUSE)


def _without_ledger(refusal: Refusal, orders: Orders, settings: Settings) -> BrokerError:
    sentence = f"queue {orders.ledger}, which keeps the state of the move, was refused: {refusal.text}"
    if refusal.code is Code.FORBIDDEN:
        return AccessRefused(sentence, hint=rights_hint(_rights_on_ledger(orders.ledger), settings))
    return RequestRefused(sentence)


def _rights_on_ledger(name: str) -> Iterator[Right]:
    yield from rights_to_create(Queue(name=name), {})
    yield from rights_to_publish("", name, {})
    yield from rights_to_consume(name)


def _cut(error: Exception, orders: Orders, connections: Connections) -> BrokerError:
    """Return the error for a move that was cut."""
    hint, settings = _AGAIN_ANEW if orders.begins_anew else _AGAIN, connections.settings
    if isinstance(error, amqp.ChannelError):
        refusal = refusal_of(error)
        sentence = f"the move out of queue {orders.source} was cut: {refusal.text}"
        if refusal.code is Code.FORBIDDEN and (denied := _DENIED.search(refusal.text)):
            kind, name = denied.groups()
            way = read_hint(name, settings) if kind == "queue" else write_hint(name, "", settings)
            return AccessRefused(sentence, hint=way)
        return RequestRefused(sentence, hint=hint)
    if isinstance(error, Blocked):
        alarm = blocked(str(error), settings)
        words = f"the move out of queue {orders.source} was cut: {alarm.sentence}"
        return BrokerBlocked(words, hint=f"{hint}, once the alarm is over; `attune-infra doctor` names the node")
    if lost := faults.unanswered(error, settings):
        return NoMajority(f"the move out of queue {orders.source} was cut: {lost.sentence}", hint=hint)
    if isinstance(error, TimeoutError):
        reason = str(error) or f"RabbitMQ did not answer within {settings.timeout:g} s"
        return BrokerUnreachable(
            f"the move out of queue {orders.source} was cut: {reason}", hint=f"{hint}; {_LEADER}"
        )
    if isinstance(error, ConnectionError):
        broken = f"the connection to {current(settings.amqp).netloc} broke: {faults.reason_of_os(error)}"
        return BrokerUnreachable(f"the move out of queue {orders.source} was cut: {broken}", hint=hint)
    found = faults.from_amqp_connect(error, settings)
    return type(found)(f"the move out of queue {orders.source} was cut: {found.sentence}", hint=hint)


def last_offset(connections: Connections, stream: str) -> int:
    """Return the offset of the last message in a stream; -1 if it is empty.

    RabbitMQ begins with the last chunk, and does not say where that ends: nothing more comes for a while.
    """
    connection, found = Amqp(connections.settings).take_connection(), [-1]

    def take(message: amqp.Message) -> None:
        found.append(message.properties["application_headers"][OFFSET_HEADER.decode()])

    try:
        channel = connection.channel()
        channel.basic_qos(0, _CHUNK, a_global=False)
        channel.basic_consume(stream, no_ack=False, callback=take, arguments={"x-stream-offset": "last"})
        with suppress(TimeoutError):
            while True:
                connection.drain_events(timeout=_SILENCE)
    except (amqp.AMQPError, OSError) as error:
        raise faults.from_amqp_connect(error, connections.settings) from error
    finally:
        connection.collect()
    return max(found)
