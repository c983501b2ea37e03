"""Signals to wait for together with a socket: the end of a child process, and a request to stop."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable
from typing import Any, Final, Self, TypeVar

_T = TypeVar("_T")

_ENDING: Final = (signal.SIGTERM, signal.SIGINT)


class Wakeup:
    """Turns the first SIGTERM or SIGINT into a request to stop, while entered; a second one kills as usual."""

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
        """Wait until a signal comes, one of the files becomes readable, or the time is over."""
        ready, _, _ = select.select([self._reader, *files], [], [], seconds)
        if self._reader in ready:
            os.read(self._reader, 4096)

    def attempt(self, action: Callable[[], _T]) -> _T | None:
        """Return the result of an action; None if a request to stop came before its end, which breaks it off."""
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


class _BrokenOff(BaseException):  # not an Exception, so that no handler on the way catches it
    pass
