"""AMQP 0-9-1: declare and bind many objects at once, delete many queues, and count consumers.

The commands of one channel run one after another, but channels run side by side, and a declaration or deletion
with `no-wait` costs no round trip. So they go out in lanes, one channel each, and a question after each piece
tells that it went well. If it did not, its objects are tried again one by one, so that each failure has a name and
the broker's reason, and the pieces behind it are sent again.
"""

from __future__ import annotations

import ssl
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

import amqp

from attune_infra import __version__
from attune_infra.broker.amqp.lanes import Connection, Declarable, Lane, Order
from attune_infra.broker.failures import faults
from attune_infra.broker.failures.alarm import blocked
from attune_infra.broker.failures.refusal import Code, Refusal, no_answer, refusal_of
from attune_infra.broker.hosts import host_name, hosts_of
from attune_infra.errors import BrokerError, NoMajority, WrongTarget
from attune_infra.settings import Endpoint, Settings
from attune_infra.topology.model import Binding, Message, Queue
from attune_infra.topology.target import Target

if TYPE_CHECKING:
    from attune_infra.topology.probe import Arrival

_T = TypeVar("_T")

Answered: TypeAlias = tuple[_T, Refusal | None]
"""An object, and the broker's refusal if it was not declared, or not deleted."""

_Share: TypeAlias = deque[list[_T]]
"""The objects to change in one lane, in pieces; the broker answers once for each piece."""

MAX_LANES: Final = 16
PIECE_SIZE: Final = 16
"""Declarations or deletions between two questions."""
MAX_UNDER_WAY: Final = 4000
"""Declarations, deletions or counts sent before their answers are read."""


def json_message(body: str, message_id: str) -> amqp.Message:
    """Return a persistent message, which survives a restart of the broker if its queue does."""
    return amqp.Message(body, content_type="application/json", delivery_mode=2, message_id=message_id)


class Amqp:
    """A connection to one virtual host, opened at its first use, and again after the broker closed it.

    It stays with one host. When that is lost, whatever may be repeated is repeated at the next host: declarations,
    deletions of bindings and questions, never a message.
    """

    def __init__(
        self, settings: Settings, *, heartbeat: float = 0, on_open: Callable[[Target], None] = lambda _: None
    ) -> None:
        self.settings = settings
        self._heartbeat, self._on_open = heartbeat, on_open
        self._hosts = hosts_of(settings.amqp)
        self._host = self._hosts.current
        self._connection: Connection | None = None

    def target(self) -> Target:
        """Return the broker as its handshake names it."""
        return self._target_of(self._connected())

    def _target_of(self, connection: Connection) -> Target:
        properties, settings = connection.server_properties, self.settings
        return Target(
            cluster=properties.get("cluster_name"),
            version=str(properties.get("version", "unknown")),
            virtual_host=settings.virtual_host,
            user=settings.amqp.user,
            connection=settings.connection,
            host=host_name(settings.amqp),
        )

    def declare(self, items: Iterable[Declarable]) -> Iterator[Answered[Declarable]]:
        """Declare objects that do not depend on each other; yield each, with its refusal if there is one.

        They come in no order, each as soon as its outcome is known.
        """
        return self._in_lanes(items, Lane.declare)

    def delete(self, queues: Iterable[Queue], *, guarded: bool) -> Iterator[Answered[Queue]]:
        """Delete queues; yield each as `declare` does. Missing queues count as deleted.

        Only classic queues can be guarded: then one with ready messages or consumers is refused.
        """
        return self._in_lanes(queues, partial(Lane.delete, guarded=guarded))

    def delete_counting(self, queues: Iterable[Queue], counts: dict[str, int]) -> Iterator[Answered[Queue]]:
        """Delete queues; yield each as `declare` does, and put into `counts` the messages that were in it."""
        return self._in_lanes(queues, partial(Lane.delete_counting, counts=counts))

    def unbind_all(self, bindings: Iterable[Binding]) -> Iterator[Answered[Binding]]:
        """Delete bindings that have one form; yield each as `declare` does. Missing ones count as deleted."""
        return self._in_lanes(bindings, Lane.unbind_exactly)

    def _in_lanes(self, items: Iterable[_T], order: Order[_T]) -> Iterator[Answered[_T]]:
        waiting, suspects = deque(items), deque[_T]()
        shares: list[_Share[_T]] = []
        try:
            while waiting:
                shares = _deal([waiting.popleft() for _ in range(min(MAX_UNDER_WAY, len(waiting)))])
                yield from ((item, None) for item in self._at_once(shares, order))
                suspects += chain.from_iterable(share.popleft() for share in shares if share)
                while suspects:
                    refusal = self._alone(suspects[0], order)
                    yield suspects.popleft(), refusal
                waiting.extendleft(_all_of(shares))
                shares = []
        except BrokerError as error:
            code = Code.NO_MAJORITY if isinstance(error, NoMajority) else Code.OTHER
            for item in (*suspects, *_all_of(shares), *waiting):
                yield item, Refusal(code, error.sentence)

    def unbind(self, binding: Binding) -> None:
        """Delete a binding; raise `BrokerError` with the broker's reason. A missing binding is no failure."""
        try:
            self._repeated(lambda: self._lanes(1)[0].unbind(binding))
        except amqp.ChannelError as error:
            raise BrokerError(refusal_of(error).text) from error
        except (amqp.AMQPError, OSError) as error:
            raise self._lost(error) from error

    def counts(self, queues: Collection[str]) -> dict[str, tuple[int, int]]:
        """Return the numbers of ready messages and consumers of each queue now; missing queues are left out.

        They are exact, except for streams, and 0 for a quorum queue without a leader. A passive declaration asks
        for them, which restarts the expiry of a classic queue that has one.
        """
        counts: dict[str, tuple[int, int]] = {}
        waiting = iter(queues)
        while batch := list(islice(waiting, MAX_UNDER_WAY)):
            try:
                self._repeated(partial(self._count_at_once, batch, counts))
            except (amqp.AMQPError, OSError) as error:
                raise self._lost(error) from error
        return counts

    def _count_at_once(self, batch: list[str], counts: dict[str, tuple[int, int]]) -> None:
        """Count in lanes. A missing queue closes its lane; the queues left are counted one by one."""
        lanes = self._lanes(min(MAX_LANES, len(batch)))
        with self._connected().outbox.as_one():
            for start, lane in enumerate(lanes):
                lane.count(batch[start :: len(lanes)], counts)
        self._wait_for_answers(lanes)
        if any(lane.failure for lane in lanes):
            for queue in set(batch) - counts.keys():
                [lane] = self._lanes(1)
                lane.count([queue], counts)
                self._wait_for_answers([lane])

    def arrivals(self, messages: Sequence[Message], queues: Collection[str]) -> list[Arrival]:
        """Publish messages and return, for each, the queues it arrived in. This empties the queues."""
        from attune_infra.broker.amqp.arrivals import arrivals

        try:
            return arrivals(self._connected(), messages, queues)
        except (amqp.AMQPError, OSError) as error:
            raise self._lost(error) from error

    def publish(self, exchange: str, routing_key: str, message: amqp.Message) -> bool:
        """Publish a message; return True if it reached a queue, after the broker confirmed it."""
        try:
            [lane] = self._lanes(1)
            return lane.publish(message, exchange, routing_key)
        except (amqp.ChannelError, amqp.exceptions.MessageNacked) as error:
            raise faults.not_published(error, exchange, routing_key, self.settings) from error
        except (amqp.AMQPError, OSError) as error:
            raise self._lost(error) from error

    def open_channel(self, *, waits: bool = True) -> amqp.Channel:
        """Return a new channel of the connection; raise `BrokerError` if that fails.

        Without waiting, a failure comes with the first answer over the channel.
        """
        try:
            if not waits:
                return self._connected().begin_lane()
            return self._repeated(lambda: self._connected().channel())
        except (amqp.AMQPError, OSError) as error:
            raise self._lost(error) from error

    def take_connection(self) -> Connection:
        """Return a connection that the caller has alone, and closes."""
        connection, self._connection = self._connected(), None
        return connection

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            _close(connection)

    def _at_once(self, shares: Sequence[_Share[_T]], order: Order[_T]) -> Iterator[_T]:
        """Change each share in a lane; yield the objects that went well, and remove them from the share."""
        share_of = dict(zip(self._lanes(len(shares)), shares, strict=True))
        outbox = self._connected().outbox
        try:
            for lane, share in share_of.items():
                with outbox.as_one():
                    lane.send_all(share, order)
            for lane in self._answers(tuple(share_of)):
                yield from share_of[lane].popleft()
        except (amqp.AMQPError, OSError) as error:
            self._drop_after(error)
            self._insist_on_majority(error)
        except GeneratorExit:  # the answers still to come would be taken for answers to the next questions
            self.drop()
            raise

    def _answers(self, lanes: Sequence[Lane]) -> Iterator[Lane]:
        """Yield a lane for each answered question of it, until the broker owes no answer."""
        connection = self._connected()
        while any(lane.is_working for lane in lanes):
            connection.drain_events()
            for lane in lanes:
                for _ in range(lane.take_answers()):
                    yield lane

    def _wait_for_answers(self, lanes: Sequence[Lane]) -> None:
        for _ in self._answers(lanes):
            pass

    def _alone(self, item: _T, order: Order[_T]) -> Refusal | None:
        """Change one object and wait; return the broker's refusal, if any."""
        try:
            self._repeated(lambda: order(self._lanes(1)[0], item, nowait=False))
        except amqp.ChannelError as error:
            return refusal_of(error)
        except TimeoutError as error:
            self.forget()
            self._insist_on_majority(error)
            return no_answer(self.settings.timeout)
        except (amqp.AMQPError, OSError) as error:
            self._drop_after(error)
            self._insist_on_majority(error)
            return refusal_of(error)
        return None

    def _insist_on_majority(self, error: Exception) -> None:
        """Raise `NoMajority` if a change failed for that: all others would wait as long, and fail too."""
        if found := faults.unanswered(error, self.settings):
            raise found from error

    def _lanes(self, count: int) -> list[Lane]:
        """Return open channels; use those that are open already first."""
        try:
            return self._repeated(partial(self._open_lanes, count))
        except (amqp.AMQPError, OSError) as error:
            raise self._lost(error) from error

    def _open_lanes(self, count: int) -> list[Lane]:
        connection = self._connected()
        lanes = [lane for lane in connection.channels.values() if isinstance(lane, Lane) and lane.is_open]
        lanes += connection.open_lanes(count - len(lanes))
        return lanes[:count]

    def _repeated(self, attempt: Callable[[], _T]) -> _T:
        """Return the result of an attempt that may be made twice: at the next host, whenever a host is lost."""
        for _ in self._hosts.others:
            try:
                return attempt()
            except TimeoutError:  # the host is there, and its answer may take as long anywhere
                raise
            except (amqp.AMQPError, OSError) as error:
                if not _is_cut(error):
                    raise
                self.forget()
        return attempt()

    def _connected(self) -> Connection:
        if self._connection is None or not self._connection.connected:
            self._connection = self._hosts.first_answer(self._connect)
            self._host = self._hosts.current
            try:
                self._on_open(self._target_of(self._connection))
            except WrongTarget:  # whatever follows, nothing goes there
                self.drop()
                raise
        return self._connection

    def _connect(self, endpoint: Endpoint) -> Connection:
        """Connect to one host; raise `BrokerError` if that fails."""
        settings, timeout = replace(self.settings, amqp=endpoint), self.settings.timeout
        connection = Connection(
            host=endpoint.netloc,
            userid=endpoint.user,
            password=endpoint.password,
            login_method="PLAIN",
            virtual_host=self.settings.virtual_host,
            ssl=_tls_options(settings) if endpoint.tls else False,
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
            raise faults.from_amqp_connect(error, settings) from error
        return connection

    def drop(self) -> None:
        """Drop the connection, whose state is unknown, without a handshake."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.collect()

    def forget(self) -> None:
        """Drop the connection of a host that is lost; the next one goes to the next host."""
        if self._connection is not None:
            self._hosts.leave(self._host)
        self.drop()

    def _drop_after(self, error: Exception) -> None:
        if _is_cut(error):
            self.forget()
        else:
            self.drop()

    def _lost(self, error: Exception) -> BrokerError:
        alarm = self._connection.blocked if self._connection else None
        lost = faults.from_amqp_connect(error, replace(self.settings, amqp=self._host))
        self._drop_after(error)
        return lost if alarm is None else blocked(alarm, self.settings)


def _deal(items: Sequence[_T]) -> list[_Share[_T]]:
    """Deal objects out over lanes, one to each in turn."""
    count = min(MAX_LANES, len(items))
    shares = [items[start::count] for start in range(count)]
    return [deque(_pieces(share)) for share in shares]


def _pieces(share: Sequence[_T]) -> Iterator[list[_T]]:
    for at in range(0, len(share), PIECE_SIZE):
        yield list(share[at : at + PIECE_SIZE])


def _all_of(shares: Iterable[_Share[_T]]) -> Iterator[_T]:
    return chain.from_iterable(chain.from_iterable(shares))


def _is_cut(error: Exception) -> bool:
    """Return True if a connection ended with its host, rather than for the request that was sent."""
    return isinstance(error, OSError | amqp.RecoverableConnectionError)


def _close(connection: Connection) -> None:
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
