"""Wait for something that is not ready yet, no longer than told and no more often than needed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from attune_infra.errors import AttuneError

_T = TypeVar("_T")

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0


def wait_for(
    attempt: Callable[[], _T], *, seconds: float, on_pause: Callable[[AttuneError], None] = lambda _: None
) -> _T:
    """Return what `attempt` returns, trying again for `seconds` while it fails in a way that may pass.

    The pauses grow from 0.1 to 2 seconds; `on_pause` is told each failure. The last failure is raised.
    """
    deadline = time.monotonic() + seconds
    pause = _FIRST_PAUSE
    while True:
        try:
            return attempt()
        except AttuneError as error:
            left = deadline - time.monotonic()
            if not error.may_pass or left <= 0:
                raise
            on_pause(error)
            time.sleep(min(pause, left))
            pause = min(pause * 2, _LONGEST_PAUSE)
