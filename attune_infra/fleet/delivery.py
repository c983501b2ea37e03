"""A message handed to a worker."""

from __future__ import annotations

from dataclasses import field
from hashlib import blake2b

from attune_infra.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivered message, unsettled until it is acknowledged or rejected, or its connection ends."""

    body: bytes
    name: str
    """Its name in a log."""
    receipt: object = field(repr=False)
    origin: tuple[str, ...] = ()
    """Queue, exchange, routing key and message id."""
    is_redelivered: bool = False
    """RabbitMQ delivered it before, or cannot exclude that."""
    earlier: int | None = None
    """Deliveries before this one, as the broker counts them; None if it does not."""

    @property
    def identity(self) -> bytes:
        """The same for each delivery of a message, and for messages that nothing tells apart."""
        found = blake2b(repr(self.origin).encode(), digest_size=16)
        found.update(self.body)
        return found.digest()
