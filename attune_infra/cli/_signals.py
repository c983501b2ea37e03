"""Signals that end a command, after it has cleaned up."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
_FROM_A_SIGNAL = 128
"""Shells add this to the number of a signal for the exit code."""


@contextmanager
def exit_on_signals() -> Iterator[None]:
    """Exit by an exception on the first SIGTERM or SIGHUP, so that the block can clean up; ignore later ones."""

    def leave(number: int, _: FrameType | None) -> None:
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        sys.exit(_FROM_A_SIGNAL + number)

    before = [(each, signal.signal(each, leave)) for each in _SIGNALS]
    try:
        yield
    finally:
        for each, handler in before:
            signal.signal(each, handler)


@contextmanager
def stop_on_signals() -> Iterator[Callable[[], bool]]:
    """Yield a function that says whether SIGINT, SIGTERM or SIGHUP has come; a second one ends the block."""
    came: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        if came:
            raise KeyboardInterrupt
        came.append(number)

    before = [(each, signal.signal(each, note)) for each in (signal.SIGINT, *_SIGNALS)]
    try:
        yield lambda: bool(came)
    finally:
        for each, handler in before:
            signal.signal(each, handler)
