"""The protocol of the queues of one worker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from attune_infra.fleet.delivery import Delivery


class Inbox(Protocol):
    """The queues of one worker, consumed."""

    def open(self, worker_id: int) -> tuple[str, ...]:
        """Declare the shared topology and the worker's own objects, then consume.

        Return a sentence for each shared object that was refused. Raise `QueueDenied` if the worker cannot have
        its own queue, and `BrokerError` if trying again may help.
        """
        ...

    def close(self) -> None:
        """Close the connection. Unsettled messages return to their queue, if the queue survives."""
        ...

    def abandon(self) -> None:
        """Drop the connection without waiting for the broker to confirm."""
        ...

    def fileno(self) -> int:
        """Return the file descriptor that becomes readable when something has arrived."""
        ...

    def receive(self) -> Sequence[Delivery]:
        """Return the messages that have arrived, without waiting, and send a heartbeat if one is due."""
        ...

    def acknowledge(self, delivery: Delivery) -> bool:
        """Acknowledge a message; return False if its connection is gone."""
        ...

    def reject(self, delivery: Delivery, reason: str) -> bool:
        """Send a message to the dead letter exchange and confirm its arrival; return as `acknowledge`.

        Raise `RequestRefused` if it reaches no queue there. The message is then still unsettled.
        """
        ...

    def requeue(self, delivery: Delivery) -> bool:
        """Give a message back to its queue, which delivers it again; return as `acknowledge`."""
        ...

    def cautions(self, max_attempts: int | None) -> tuple[str, ...]:
        """Return a sentence for each way in which its queues lose messages, or cannot count attempts."""
        ...

    def shared(self) -> tuple[str, ...]:
        """Return the names of the queues that others consume too."""
        ...

    def retire(self) -> tuple[str, ...]:
        """Stop new messages from coming, so that none is lost when the consumer is cancelled.

        Queues that others consume too stay bound for them; return their names.
        """
        ...

    def is_empty(self) -> bool:
        """Return True if no message is left in the auto-delete queues that end with this worker."""
        ...
