"""Wait for a condition, with growing pauses and a time limit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from attune_infra.errors import AttuneError

_T = TypeVar("_T")

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 2.0


def wait_for(
    attempt: Callable[[], _T], *, seconds: float, on_pause: Callable[[AttuneError], None] = lambda _: None
) -> _T:
    """Return the result of `attempt`, retried for `seconds` while it fails in a way that may pass.

    The pauses grow from 0.1 to 2 seconds; `on_pause` gets each failure. Raise the last failure.
    """
    return wait_until(attempt, lambda _: True, seconds=seconds, on_pause=on_pause)


def wait_until(
    look: Callable[[], _T],
    is_settled: Callable[[_T], bool],
    *,
    seconds: float,
    on_pause: Callable[[AttuneError], None] = lambda _: None,
) -> _T:
    """Return the first result of `look` that is settled, or the last result when the time is over.

    Failures that may pass are retried with the same pauses. Raise the failure of the last look.
    """
    pauses = _pauses(time.monotonic() + seconds)
    while True:
        try:
            found = look()
        except AttuneError as error:
            pause = next(pauses, None) if error.may_pass else None
            if pause is None:
                raise
            on_pause(error)
        else:
            pause = None if is_settled(found) else next(pauses, None)
            if pause is None:
                return found
        time.sleep(pause)


def _pauses(deadline: float) -> Iterator[float]:
    """Yield pauses in seconds, each twice as long as the one before, until the deadline."""
    pause = _FIRST_PAUSE
    while (left := deadline - time.monotonic()) > 0:
        yield min(pause, left)
        pause = min(pause * 2, _LONGEST_PAUSE)
