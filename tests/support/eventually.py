"""Wait for a condition, not for a fixed time."""

import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


def eventually(read: Callable[[], _T], wanted: Callable[[_T], bool], *, within: float = 30) -> _T:
    """Return the first value of `read` that is `wanted`; fail with the last value after `within` seconds.

    Statistics of a broker lag up to 7 seconds behind, and longer on a busy machine.
    """
    deadline = time.monotonic() + within
    while not wanted(value := read()):
        assert time.monotonic() < deadline, f"still {value!r} after {within} s"
        time.sleep(0.05)
    return value
