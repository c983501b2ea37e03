"""Dead letter queues: their messages grouped by the way they died, and since when they hold any. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode
from attune_infra.messages.deaths import History, history_of
from attune_infra.messages.model import StoredMessage


class Cause(NamedTuple):
    """The first death of messages: its reason, the queue, and the exchange before it; None for an unknown one."""

    reason: str | None
    queue: str | None
    exchange: str | None


@dataclass(slots=True)
class Deaths:
    """The messages that died first for one cause; `since` is the time at which the oldest of them died last."""

    count: int = 0
    since: datetime | None = None

    def add(self, history: History) -> None:
        self.count += 1
        time = history.last.time if history.last else None
        if time is not None and (self.since is None or time < self.since):
            self.since = time


class Census:
    """Counts messages by their first deaths."""

    def __init__(self) -> None:
        self.looked_at = 0
        self._found: dict[Cause, Deaths] = {}

    def add(self, message: StoredMessage) -> None:
        self.looked_at += 1
        history = history_of(message)
        first = history.first
        cause = Cause(first.reason, first.queue, first.exchange) if first else Cause(None, None, None)
        self._found.setdefault(cause, Deaths()).add(history)

    def groups(self) -> tuple[tuple[Cause, Deaths], ...]:
        """Return the causes of which most messages died first."""
        return tuple(sorted(self._found.items(), key=lambda found: -found[1].count))


def census_of(messages: Iterable[StoredMessage]) -> Census:
    found = Census()
    for message in messages:
        found.add(message)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterQueue:
    """A queue that the dead letters of other queues reach.

    `sources` are these queues. `passes_on` is the dead letter exchange of its own, as of a queue for retries. Of
    its messages, `looked_at` were read; `unread` is the reason why not more of them.
    """

    name: str
    type: str
    sources: tuple[str, ...]
    passes_on: str | None = None
    ready: int | None = None
    unacknowledged: int | None = None
    consumers: int | None = None
    looked_at: int = 0
    groups: tuple[tuple[Cause, Deaths], ...] = ()
    unread: str | None = None

    @property
    def since(self) -> datetime | None:
        """The time at which the oldest message that was read died last."""
        return min((deaths.since for _, deaths in self.groups if deaths.since is not None), default=None)


@dataclass(frozen=True, slots=True)
class DeadLetterQueues:
    """All dead letter queues of a virtual host, those with most messages first.

    `unlisted` are queues that are down, and whose bindings the broker does not list: they may be some too.
    """

    queues: tuple[DeadLetterQueue, ...] = ()
    unlisted: tuple[str, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.FAILED if self.unlisted else ExitCode.DONE
