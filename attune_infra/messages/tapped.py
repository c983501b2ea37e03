"""Messages seen by a tap, and the sum of them when the tap has ended. No I/O."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode
from attune_infra.messages.model import StoredMessage
from attune_infra.messages.selection import Selection


class Delivered(NamedTuple):
    """A message that came through a tap, and the tag to acknowledge it with."""

    tag: int
    message: StoredMessage


@dataclass(frozen=True, slots=True)
class TappedMessage:
    """A message, and the time at which it came."""

    time: datetime
    message: StoredMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """The messages that RabbitMQ dropped because the tap was too slow; `count` is None if they are not counted.

    If not `exact`, there were at least so many.
    """

    count: int | None = None
    exact: bool = True


class Ended(StrEnum):
    """The reasons for which a tap ends."""

    COUNT = "count"
    TIME = "time"
    STOPPED = "stopped"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tapped:
    """The sum of all that a tap has seen.

    `messages` were taken, and `shown` of them written; `waiting` still waited in its queue at the end. `lost` is
    the reason why the broker ended it.
    """

    exchange: str
    keys: tuple[str, ...]
    queue: str
    ended: Ended
    seconds: float
    messages: int
    shown: int
    body_bytes: int
    dropped: Dropped
    waiting: int | None = None
    lost: str | None = None

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.FAILED if self.ended is Ended.LOST else ExitCode.DONE

    @property
    def rate(self) -> float:
        """Messages taken for each second."""
        return self.messages / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Limits of a tap; None is none.

    It ends after `count` messages were shown, or after `seconds`. Messages that are not selected, and those beyond
    `rate` in a second, are not shown.
    """

    count: int | None = None
    seconds: float | None = None
    rate: int | None = None
    selection: Selection = field(default_factory=Selection)


@dataclass(frozen=True, slots=True)
class Progress:
    """The messages so far, the rate since the last report, and those dropped."""

    messages: int
    rate: float
    dropped: Dropped
