"""Wait for a condition, with growing pauses and a time limit."""

from __future__ import annotations

import time
from collections.abc import Callable
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
    pauses = _Pauses(seconds)
    while True:
        try:
            return attempt()
        except AttuneError as error:
            if not error.may_pass or pauses.are_over():
                raise
            on_pause(error)
            pauses.sleep()


def wait_until(look: Callable[[], _T], is_settled: Callable[[_T], bool], *, seconds: float) -> _T:
    """Look until the result is settled or the time is over, with the same pauses; return the last result."""
    pauses = _Pauses(seconds)
    while True:
        found = look()
        if is_settled(found) or pauses.are_over():
            return found
        pauses.sleep()


class _Pauses:
    """Growing pauses until a deadline."""

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        self._next = _FIRST_PAUSE

    def are_over(self) -> bool:
        return time.monotonic() >= self._deadline

    def sleep(self) -> None:
        time.sleep(max(0.0, min(self._next, self._deadline - time.monotonic())))
        self._next = min(self._next * 2, _LONGEST_PAUSE)
