"""Watch what passes an exchange: take messages, hand them to a writer, and end in time.

The writer works in a thread of its own. A terminal or a pipe that takes nothing more stops the thread alone: what
is not written is not acknowledged, so the broker sends no more, and the connection is kept alive meanwhile.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, Self, TypeAlias

from attune_infra.errors import BrokerError
from attune_infra.messages.tapped import Bounds, Ended, Progress, Tapped, TappedMessage

if TYPE_CHECKING:
    from attune_infra.messages.tapped import Delivered, Dropped
    from attune_infra.topology.routing.tap import Tap

Write: TypeAlias = Callable[[Sequence[TappedMessage]], None]
"""Write messages; it may take its time, and raise what keeps it from writing."""

_MAX_WRITTEN_AT_ONCE: Final = 100
_SECONDS_TO_FINISH: Final = 1.0
"""Seconds for the writer at the end, to write what it holds."""
_TICK: Final = 0.25
SECONDS_BETWEEN_REPORTS: Final = 5.0


class MessageTap(Protocol):
    """A private queue that gets a copy of what passes an exchange."""

    @property
    def dropped(self) -> Dropped:
        """The messages that the broker dropped so far."""

    def fileno(self) -> int:
        """Return the file descriptor that becomes readable when something has arrived."""
        ...

    def receive(self) -> Sequence[Delivered]:
        """Return the messages that have arrived, without waiting; raise `BrokerError` if the queue is lost.

        Call it at least every second: it also sends heartbeats, and asks for dropped messages.
        """
        ...

    def acknowledge(self, tag: int) -> None:
        """Acknowledge all messages up to this one, so that more can come."""
        ...

    def settle(self) -> int | None:
        """Ask a last time for dropped messages; return the number of those not acknowledged, None if unknown."""
        ...


class Stop(Protocol):
    """A request to stop, and a way to wait for it."""

    stopping: bool

    def wait(self, seconds: float, *files: int) -> None:
        """Wait until a request comes, one of the files becomes readable, or the time is over."""
        ...


class _Batch(NamedTuple):
    """Messages to write, the tag to acknowledge when that is done, and the number and bytes of those taken."""

    shown: list[TappedMessage]
    tag: int
    taken: int
    body_bytes: int


class Watch:
    """One tap being watched, from beginning to end."""

    def __init__(
        self, source: MessageTap, bounds: Bounds, stop: Stop, on_progress: Callable[[Progress], None]
    ) -> None:
        self._source, self._bounds, self._stop, self._on_progress = source, bounds, stop, on_progress
        self._began = self._reported = time.monotonic()
        self._reported_messages = self._handed = 0
        self._reported_dropped = source.dropped
        self._second, self._in_second = 0, 0

    def run(self, tap: Tap, write: Write) -> Tapped:
        """Watch until a bound is reached, a stop is asked for, or the broker ends it; raise as `write` does."""
        lost: BrokerError | None = None
        with _Writer(write) as writer:
            try:
                ended = self._watch(writer)
            except BrokerError as error:
                ended, lost = Ended.LOST, error
            seconds = time.monotonic() - self._began
            writer.finish(_SECONDS_TO_FINISH)
            waiting = None if lost else self._settle(writer)
        return Tapped(
            exchange=tap.exchange.name,
            keys=tuple(dict.fromkeys(each.routing_key for each in tap.bindings)),
            queue=tap.bindings[0].destination,
            ended=ended,
            seconds=seconds,
            messages=writer.messages,
            shown=writer.shown,
            body_bytes=writer.body_bytes,
            dropped=self._source.dropped,
            waiting=waiting,
            lost=lost.sentence if lost else None,
        )

    def _watch(self, writer: _Writer) -> Ended:
        while (ended := self._is_over(writer)) is None:
            self._stop.wait(self._patience(), self._source.fileno(), writer.fileno())
            delivered = self._source.receive()
            if delivered:
                writer.take(self._choose(delivered))
            self._source.acknowledge(writer.done())
            writer.check()
            self._report(writer)
        return ended

    def _is_over(self, writer: _Writer) -> Ended | None:
        if self._stop.stopping:
            return Ended.STOPPED
        if self._bounds.count is not None and writer.shown >= self._bounds.count:
            return Ended.COUNT
        if self._bounds.seconds is not None and time.monotonic() - self._began >= self._bounds.seconds:
            return Ended.TIME
        return None

    def _patience(self) -> float:
        if self._bounds.seconds is None:
            return _TICK
        return min(_TICK, max(0.0, self._began + self._bounds.seconds - time.monotonic()))

    def _choose(self, delivered: Sequence[Delivered]) -> list[_Batch]:
        """Return the messages to show, in batches: no more than the bounds allow."""
        now, batches = datetime.now(UTC), []
        for start in range(0, len(delivered), _MAX_WRITTEN_AT_ONCE):
            part = delivered[start : start + _MAX_WRITTEN_AT_ONCE]
            shown: list[TappedMessage] = []
            taken: list[Delivered] = []
            for each in part:
                if self._handed == self._bounds.count:
                    break
                taken.append(each)
                if self._bounds.selection.matches(each.message) and self._fits_rate():
                    shown.append(TappedMessage(now, each.message))
                    self._handed += 1
            if taken:
                size = sum(len(each.message.body) for each in taken)
                batches.append(_Batch(shown, taken[-1].tag, len(taken), size))
        return batches

    def _fits_rate(self) -> bool:
        if self._bounds.rate is None:
            return True
        second = int(time.monotonic() - self._began)
        if second != self._second:
            self._second, self._in_second = second, 0
        self._in_second += 1
        return self._in_second <= self._bounds.rate

    def _report(self, writer: _Writer) -> None:
        now = time.monotonic()
        if (passed := now - self._reported) < SECONDS_BETWEEN_REPORTS:
            return
        came, dropped = writer.messages - self._reported_messages, self._source.dropped
        if came or dropped != self._reported_dropped:
            self._on_progress(Progress(writer.messages, came / passed, dropped))
        self._reported, self._reported_messages, self._reported_dropped = now, writer.messages, dropped

    def _settle(self, writer: _Writer) -> int | None:
        try:
            self._source.acknowledge(writer.done())
        except BrokerError:
            return None
        return self._source.settle()


class _Writer:
    """A thread that writes what it is given, in order; what it has written is counted."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._batches: deque[_Batch] = deque()
        self._given = threading.Condition()
        self._is_ending = False
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._written_tag = self.messages = self.shown = self.body_bytes = 0

    def __enter__(self) -> Self:
        self._reader, self._signal = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._signal, False)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if not self._thread.is_alive():
            os.close(self._reader)
            os.close(self._signal)

    def fileno(self) -> int:
        """Return the file descriptor that becomes readable when something was written."""
        return self._reader

    def take(self, batches: Sequence[_Batch]) -> None:
        with self._given:
            self._batches.extend(batches)
            self._given.notify()

    def done(self) -> int:
        """Return the tag of the last message that was written."""
        with suppress(BlockingIOError):
            os.read(self._reader, 4096)
        return self._written_tag

    def check(self) -> None:
        """Raise what keeps the thread from writing."""
        if self._failure is not None:
            raise self._failure

    def finish(self, seconds: float) -> None:
        """Write the rest, for so many seconds at most."""
        with self._given:
            self._is_ending = True
            self._given.notify()
        self._thread.join(seconds)
        self.check()

    def _run(self) -> None:
        try:
            while (batch := self._next()) is not None:
                if batch.shown:
                    self._write(batch.shown)
                self.messages += batch.taken
                self.shown += len(batch.shown)
                self.body_bytes += batch.body_bytes
                self._written_tag = batch.tag
                self._tell()
        except Exception as error:  # noqa: BLE001 # raised again by `check`, in the main thread
            self._failure = error
            self._tell()

    def _next(self) -> _Batch | None:
        with self._given:
            while not self._batches:
                if self._is_ending:
                    return None
                self._given.wait()
            return self._batches.popleft()

    def _tell(self) -> None:
        with suppress(BlockingIOError):  # it is readable already
            os.write(self._signal, b".")
