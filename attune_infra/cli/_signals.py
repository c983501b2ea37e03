"""Being told to end: what was begun is cleared away first."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
_FROM_A_SIGNAL = 128
"""What a shell adds to the number of a signal that ended a program."""


@contextmanager
def ending_tidily() -> Iterator[None]:
    """Leave as by an exception when told to end, so that the block can clear away; once, then undisturbed."""

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
