"""Signals as something to wait for beside a socket: the end of a child, and the wish that we stop."""

from __future__ import annotations

import os
import select
import signal
from typing import Any, Self


class Wakeup:
    """While entered, SIGTERM and SIGINT ask to stop, once; a second one kills, as it would have the first time."""

    def __init__(self) -> None:
        self.stopping = False
        self._restored: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._previous = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number, handler in (
            (signal.SIGTERM, self._stop),
            (signal.SIGINT, self._stop),
            (signal.SIGCHLD, lambda *_: None),
        ):
            self._restored[number] = signal.signal(number, handler)
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

    def _stop(self, number: int, _frame: object) -> None:
        self.stopping = True
        signal.signal(number, signal.SIG_DFL)
