"""A tap over AMQP 0-9-1: a private queue that gets a copy of what passes an exchange.

The queue is exclusive, so RabbitMQ deletes it however the connection ends. It is short, and drops the oldest
messages when it is full: a slow reader costs the broker no more than that. Dropped messages go as dead letters to
a second private queue, only to be counted: a purge answers with their number, and sends none. If that queue was
full too, a third one holds a message, and the count is a lower bound.

Messages are acknowledged when they are written. Without acknowledgements, RabbitMQ would send them on into the
memory of other processes, where no limit of the queue holds.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import amqp

from attune_infra.broker.amqp.connection import Amqp
from attune_infra.broker.failures import faults
from attune_infra.broker.failures.refusal import Code, Refusal, refusal_of
from attune_infra.broker.messages.tap_line import TapLine
from attune_infra.errors import AccessRefused, BrokerError, BrokerUnreachable, RequestRefused
from attune_infra.messages.tapped import Delivered, Dropped
from attune_infra.topology.facts.permissions import User
from attune_infra.topology.model import Topology, label
from attune_infra.topology.permissions.commands import usage_of
from attune_infra.topology.permissions.lacks import grants
from attune_infra.topology.permissions.needs import Entry, Over
from attune_infra.topology.permissions.steps import Case
from attune_infra.topology.routing.tap import COUNTING, OVERFLOWING

if TYPE_CHECKING:
    from attune_infra.settings import Settings
    from attune_infra.topology.model import Argument
    from attune_infra.topology.routing.tap import Tap

HEARTBEAT: Final = 10.0
"""Seconds of silence after which the broker and the tap give each other up; the queue is gone soon after."""
_SECONDS_BETWEEN_COUNTS: Final = 0.25
_MAX_BYTES: Final = 64 << 20
"""Bytes of message bodies in the queue, and in that of dropped messages."""
_MAX_UNCOUNTED: Final = 100_000
"""Dropped messages between two counts."""
_MAX_HELD: Final = 200
"""Messages delivered and not yet written: all that the program holds of them."""
_SECONDS_TO_SETTLE: Final = 2.0


class AmqpTap:
    """A tap as `operations.tap.MessageTap`, from `with` to its end."""

    def __init__(
        self, settings: Settings, tap: Tap, topology: Topology, *, queue_length: int, counts: bool = True
    ) -> None:
        self._settings, self._tap, self._topology = settings, tap, topology
        self._length = queue_length
        self._queue = tap.bindings[0].destination
        self._dropped_queue, self._more_queue = f"{self._queue}{COUNTING}", f"{self._queue}{OVERFLOWING}"
        self.uncounted: str | None = None
        """The reason why dropped messages cannot be counted as they should."""
        self._counts = counts
        self._count, self._exact = 0, True
        self._counted_at, self._asked = 0.0, False

    def __enter__(self) -> Self:
        connection = Amqp(self._settings, heartbeat=HEARTBEAT)
        try:
            channel = self._declare(connection)
            for binding, refusal in connection.declare(self._tap.bindings):
                if refusal is not None:
                    raise self._denied(label(binding), refusal)
            self._line = TapLine(channel)
            self._consume()
        except (amqp.AMQPError, OSError) as error:
            connection.forget()
            raise self._lost(error) from error
        except BaseException:
            connection.forget()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.close(_SECONDS_TO_SETTLE)

    @property
    def dropped(self) -> Dropped:
        return Dropped(count=self._count if self._counts else None, exact=self._exact)

    def fileno(self) -> int:
        return self._line.fileno()

    def receive(self) -> Sequence[Delivered]:
        try:
            delivered = self._line.receive()
            self._look_for_dropped()
            self._line.keep_alive()
        except (amqp.AMQPError, OSError) as error:
            raise self._lost(error) from error
        return delivered

    def acknowledge(self, tag: int) -> None:
        try:
            self._line.acknowledge(tag)
        except (amqp.AMQPError, OSError) as error:
            raise self._lost(error) from error

    def settle(self) -> int | None:
        end = time.monotonic() + _SECONDS_TO_SETTLE
        self._line.ready.pop(self._queue, None)
        try:
            self._finish_counting(end)
            self._line.ask_ready(self._queue)
            while self._queue not in self._line.ready and time.monotonic() < end:
                self._line.wait(end - time.monotonic())
                self._line.receive()
        except (amqp.AMQPError, OSError):
            return None
        ready = self._line.ready.get(self._queue)
        return None if ready is None else ready + self._line.unacknowledged

    def _consume(self) -> None:
        try:
            self._line.consume(self._queue, _MAX_HELD, timeout=self._settings.timeout)
        except amqp.ChannelError as error:
            raise self._denied(f"to consume queue {self._queue}", refusal_of(error)) from error
        except (amqp.AMQPError, OSError) as error:
            raise self._lost(error) from error

    def _declare(self, connection: Amqp) -> amqp.Channel:
        """Declare the queues on a new channel; only the main one if the others are unwanted or refused."""
        try:
            if self._counts:
                return self._declare_counted(connection)
        except amqp.ChannelError as error:
            self.uncounted, self._counts = refusal_of(error).text, False
            connection.close()  # and with it those that were declared
        channel = connection.open_channel()
        try:
            # Dead letters to nowhere: a policy would send them to an exchange of somebody else.
            _declare_private(channel, self._queue, self._limits(self._length, "", exchange=self._queue))
        except amqp.ChannelError as error:
            raise self._denied(f"queue {self._queue}", refusal_of(error)) from error
        return channel

    def _declare_counted(self, connection: Amqp) -> amqp.Channel:
        channel = connection.open_channel()
        nowhere = self._limits(1, "", exchange=self._queue)
        _declare_private(channel, self._more_queue, nowhere)
        _declare_private(channel, self._dropped_queue, self._limits(_MAX_UNCOUNTED, self._more_queue))
        _declare_private(channel, self._queue, self._limits(self._length, self._dropped_queue))
        return channel

    def _limits(self, length: int, dead_letters_to: str, *, exchange: str = "") -> dict[str, Argument]:
        """Return arguments for a short queue. They count more than a policy, or the lower value does."""
        return {
            "x-queue-type": "classic",
            "x-max-length": length,
            "x-max-length-bytes": _MAX_BYTES,
            "x-overflow": "drop-head",
            "x-dead-letter-exchange": exchange,
            "x-dead-letter-routing-key": dead_letters_to,
        }

    def _look_for_dropped(self) -> None:
        """Ask for dropped messages if it is time to, and add up the answers."""
        if not self._counts:
            return
        ready = self._line.ready
        self._count += self._line.take_purged()
        if self._asked and self._more_queue in ready:
            self._exact &= ready.pop(self._more_queue) == 0
            if ready.pop(self._dropped_queue):
                self._line.purge(self._dropped_queue)
            self._asked = False
        elif not self._asked and time.monotonic() - self._counted_at >= _SECONDS_BETWEEN_COUNTS:
            self._ask_for_dropped()

    def _ask_for_dropped(self) -> None:
        """Ask how many messages there are, which also keeps a policy from deleting the queues as unused."""
        self._line.ask_ready(self._dropped_queue)
        self._line.ask_ready(self._more_queue)
        self._asked, self._counted_at = True, time.monotonic()

    def _finish_counting(self, end: float) -> None:
        """Count once more, and wait for the answers."""
        if not self._counts:
            return
        self._line.purge(self._dropped_queue)  # a queue tells its length before it takes what is on its way to it
        for _ in range(2):  # an answer on its way may be older than the last dropped message
            self._counted_at = 0.0
            self._look_for_dropped()
            while (self._asked or self._line.is_purging) and time.monotonic() < end:
                self._line.wait(end - time.monotonic())
                self._line.receive()
                self._counted_at = time.monotonic()
                self._look_for_dropped()

    def _denied(self, what: str, refusal: Refusal) -> BrokerError:
        """Return the error for something that the broker refuses."""
        sentence = f"the tap was denied {what}: {refusal.text}"
        match refusal.code:
            case Code.FORBIDDEN:
                return AccessRefused(sentence, hint=self._grants())
            case Code.LOCKED:
                return RequestRefused(sentence, hint="a queue of that name exists: give another name with --queue")
            case _:
                return RequestRefused(sentence)

    def _grants(self) -> str:
        user = User(name=self._settings.amqp.user, virtual_host=self._settings.virtual_host)
        case = Case(want=self._topology, tapped=self._tap.bindings)
        needs = [need for need in usage_of("tap").needs(case) if need.over is Over.AMQP and need.what != Entry()]
        lines = "; ".join(grants(needs, user))
        return f"user '{user.name}' needs {', '.join(map(str, needs))}: {lines}, with its other permissions"

    def _lost(self, error: Exception) -> BrokerError:
        if found := faults.unanswered(error, self._settings):
            return found
        reason = refusal_of(error).text if isinstance(error, amqp.AMQPError) else faults.reason_of_os(error)
        return BrokerUnreachable(f"the tap is lost: {reason}", hint="its queue is gone too; run the command again")


def _declare_private(channel: amqp.Channel, name: str, arguments: dict[str, Argument]) -> None:
    channel.queue_declare(name, durable=False, exclusive=True, auto_delete=True, arguments=arguments)
