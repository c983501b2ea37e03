"""The names of the exchanges and queues that stand between two queues while messages move."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from attune_infra.dataclass import dataclass

PREFIX: Final = "attune-infra."
"""Beginning of the names of all objects that a command makes for itself, and removes again."""
_MAX_NAME_BYTES: Final = 255


def own_name(role: str, queue: str) -> str:
    """Return the name of an object that serves a queue; that of a long queue is a digest of it."""
    name = f"{PREFIX}{role}.{queue}"
    if len(name.encode()) <= _MAX_NAME_BYTES:
        return name
    return f"{PREFIX}{role}.{blake2b(queue.encode(), digest_size=16).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Names:
    """The names of the objects that a migration of a queue needs."""

    source: str

    @property
    def switch(self) -> str:
        return own_name("switch", self.source)

    @property
    def aside(self) -> str:
        return own_name("aside", self.source)

    @property
    def back(self) -> str:
        return own_name("back", self.source)

    @property
    def held(self) -> str:
        return own_name("held", self.source)


def ledger_of(source: str) -> str:
    """Return the name of the queue that keeps the ledger of moves out of a queue."""
    return own_name("ledger", source)
