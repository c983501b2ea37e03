"""The time that a whole command may take (`--deadline`). Its end interrupts the main thread."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

GRACE: Final = 5.0
"""Seconds that each step of the cleaning up may take once the time is over."""


class Passed(BaseException):
    """The time is over. As an interruption by the user, it passes the handlers of failures."""


class _Time:
    end = float("inf")


def left() -> float:
    """Return the seconds that are left, below 0 once the time is over; infinity without a deadline."""
    return _Time.end - time.monotonic()


def shorten(seconds: float) -> float:
    """Return the seconds that a wait may take: fewer while a command cleans up after its deadline."""
    return min(seconds, GRACE) if left() <= 0 else seconds


def lift() -> None:
    """Let the command take all the time that it needs from now on, since its result is there."""
    _Time.end = float("inf")


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise `Passed` in the block when the seconds are over, and again if it cleans up slowly."""
    import signal

    def end(*_: object) -> None:
        if left() <= 0:
            raise Passed

    before = signal.signal(signal.SIGALRM, end)
    _Time.end = time.monotonic() + seconds
    signal.setitimer(signal.ITIMER_REAL, seconds + 0.001, 1.5 * GRACE)
    try:
        yield
    finally:
        lift()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
