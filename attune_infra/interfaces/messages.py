"""The protocols of a broker that deals with the messages of its queues."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from attune_infra.interfaces import Broker, MovingBroker, WatchedBroker

if TYPE_CHECKING:
    from attune_infra.fleet.model import Depth
    from attune_infra.messages.loading import Failed, Outgoing
    from attune_infra.messages.model import StoredMessage
    from attune_infra.messages.peeking import Offset, Peekable


class HeldMessages(Protocol):
    """Messages that are read, and are still in their queue."""

    def read(self, count: int | None, offset: Offset = "first") -> Iterator[StoredMessage]:
        """Yield so many messages, at most those that are ready now; a stream is read from an offset on."""
        ...


class PeekingBroker(Broker, Protocol):
    """A broker whose queues can be read without taking anything out."""

    def peeking(self, queue: Peekable) -> AbstractContextManager[HeldMessages]:
        """Yield the messages of a queue, and give them back afterwards; raise `BrokerError` if that fails."""
        ...


class Loader(Protocol):
    """A way to publish many messages, and to know of each what became of it."""

    @property
    def first_open_line(self) -> int | None:
        """The line of the first message that is not confirmed; None if all are."""

    def publish(self, message: Outgoing) -> None:
        """Send a message, as soon as few enough are under way."""
        ...

    def settle(self) -> None:
        """Wait until RabbitMQ has confirmed or refused all messages."""
        ...


class LoadingBroker(Broker, Protocol):
    """A broker that takes many messages."""

    @property
    def user(self) -> str:
        """The user of AMQP."""

    def loading(self, on_outcome: Callable[[int, Failed | None], None]) -> AbstractContextManager[Loader]:
        """Yield a loader; tell the line of each message once it is decided, and why it failed if it did.

        Raise `BrokerError` if the connection is lost, or RabbitMQ refuses to go on.
        """
        ...


class PurgingBroker(Broker, Protocol):
    """A broker whose queues can be emptied."""

    def ready(self, queues: Collection[str]) -> Mapping[str, int]:
        """Return the number of ready messages in each queue now; queues that cannot be counted are left out.

        Counting restarts the expiry of a classic queue that has one.
        """
        ...

    def depths(self) -> Mapping[str, Depth]:
        """Return the numbers of messages as `Counts.depths` does."""
        ...

    def purge(self, queue: str) -> int:
        """Delete the ready messages of a queue, and return their number; raise `BrokerError` if it is refused."""
        ...


class DeadLetterBroker(WatchedBroker, PeekingBroker, Protocol):
    """A broker whose dead letter queues can be found, counted and read."""

    def ready(self, queues: Collection[str]) -> Mapping[str, int]:
        """Return the number of ready messages as `PurgingBroker.ready` does."""
        ...


class ReplayingBroker(MovingBroker, PeekingBroker, Protocol):
    """A broker whose messages can be read first, and then moved."""
