"""Signals as something to wait for beside a socket: the end of a child, and the wish that we stop."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable
from typing import Any, Final, Self, TypeVar

_T = TypeVar("_T")

_ENDING: Final = (signal.SIGTERM, signal.SIGINT)


class Wakeup:
    """While entered, SIGTERM and SIGINT ask to stop, once; a second one kills, as it would have the first time."""

    def __init__(self) -> None:
        self.stopping = False
        self._breaks_off = False
        self._restored: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._previous = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in _ENDING:
            self._restored[number] = signal.signal(number, self._stop)
        self._restored[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._restored.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._previous)
        os.close(self._reader)
        os.close(self._writer)

    def wait(self, seconds: float, *files: int) -> None:
        """Return when a signal comes, one of the files becomes readable, or the time is over."""
        ready, _, _ = select.select([self._reader, *files], [], [], seconds)
        if self._reader in ready:
            os.read(self._reader, 4096)

    def attempt(self, action: Callable[[], _T]) -> _T | None:
        """Return what an action returns; when asked to stop, or if that was asked before, break it off: None."""
        try:
            self._breaks_off = True
            try:
                return None if self.stopping else action()
            finally:
                self._breaks_off = False
        except _BrokenOff:
            return None

    def _stop(self, *_: object) -> None:
        self.stopping = True
        for number in _ENDING:
            signal.signal(number, signal.SIG_DFL)
        if self._breaks_off:
            raise _BrokenOff


class _BrokenOff(BaseException):  # so that nobody on the way takes it for a failure
    pass
