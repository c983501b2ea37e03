"""Messages on their way: taken, in a batch, and chased in a queue that still gets more."""

from __future__ import annotations

import time
from dataclasses import field
from typing import Final, NamedTuple

from attune_infra.dataclass import dataclass
from attune_infra.messages.model import Sending

_PATIENCE: Final = 3.0
"""Seconds in which a chase has to come nearer to its end."""
MANY: Final = 1 << 31
"""A number of messages that are left, as long as it is unknown."""


class Taken(NamedTuple):
    """A message that was delivered and waits to be sent."""

    tag: int
    routing_key: bytes
    content: bytes
    print: bytes
    sending: Sending | None


@dataclass(slots=True)
class Batch:
    id: bytes
    messages: list[Taken]
    returned: set[bytes] = field(default_factory=set)
    """Fingerprints of messages that reached no queue."""
    is_acknowledged: bool = False


@dataclass(slots=True)
class Chase:
    """A move from a queue that still gets messages: it never ends if they come as fast as they are moved."""

    fewest: int = MANY
    since: float = field(default_factory=time.monotonic)

    def is_hopeless(self, left: int) -> bool:
        """Return True if the messages that are left have not become fewer for a while."""
        now = time.monotonic()
        if left < self.fewest:
            self.fewest, self.since = left, now
        return now - self.since > _PATIENCE
