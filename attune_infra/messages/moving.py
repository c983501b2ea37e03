"""Orders to move messages, and the result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode
from attune_infra.messages.model import Sending, StoredMessage

END_HEADER: Final = b"x-attune-end"
"""Header of the message that a move puts at the end of a stream, to know when it has read all."""
_PREFETCH_BYTES: Final = 32 << 20
_MAX_PREFETCH: Final = 4000
_DEFAULT_PREFETCH: Final = 1000
DOUBT_HEADER: Final = b"x-attune-maybe-doubled"
"""Header of a message that was sent again because the broker stopped before it had confirmed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Numbers of messages.

    The `recovered` ones were at their destination already, sent by a run that was cut. The `doubtful` ones may
    have been: each carries `DOUBT_HEADER`. The `kept` ones were not meant, the `returned` ones reached no queue;
    both are still in the source. Those `without_user` had named another user than the login. The `taken` ones were
    sent by a run that was cut, and then others took them out of the source too.
    """

    moved: int = 0
    recovered: int = 0
    doubtful: int = 0
    kept: int = 0
    returned: int = 0
    without_user: int = 0
    taken: int = 0

    def __add__(self, other: Moved) -> Moved:
        return self.plus(**{each.name: getattr(other, each.name) for each in fields(other)})

    def plus(self, **more: int) -> Moved:
        """Return these numbers with others added."""
        return Moved(**{each.name: getattr(self, each.name) + more.get(each.name, 0) for each in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveResult:
    """The result of moving or copying messages from one queue to another."""

    source: str
    to: str
    copies: bool
    moved: Moved

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """The queue to move messages out of, the ledger beside it, and the exchange that leads to the destination.

    Messages keep their routing keys. With `choose`, each message goes where that says instead; None leaves it.
    """

    source: str
    ledger: str
    exchange: str = ""
    choose: Callable[[StoredMessage], Sending | None] | None = None
    limit: int | None = None
    most: int | None = None
    """Messages to decide about, so that those which come meanwhile are left."""
    rate: float | None = None
    """Messages a second that must not be exceeded."""
    source_type: str = "classic"
    by_get: bool = False
    """True to take each message by `basic.get`: an auto-delete queue would go with a consumer that ends."""
    delivery_limit: int | None = None
    """Deliveries after which a quorum queue gives a message up; None if it never does."""
    copies: bool = False
    """True to leave the messages in the source too."""
    until_offset: int = -1
    """The last message of a stream to copy."""
    drops_ledger: bool = False
    """True if the ledger goes at the end of the move, unless another run would need it."""
    batch: int = 1000
    prefetch: int = 4000

    @property
    def begins_anew(self) -> bool:
        """True if another run cannot tell what this one has done: it takes nothing out of its source."""
        return self.copies and self.source_type != "stream"


def prefetch_for(mean_bytes: int | None) -> int:
    """Return the number of messages to take at a time, so that they fit into memory."""
    if mean_bytes is None:
        return _DEFAULT_PREFETCH
    return min(_MAX_PREFETCH, max(2, _PREFETCH_BYTES // max(1, mean_bytes)))
