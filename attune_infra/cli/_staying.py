"""Commands that stay until stopped: `worker run`, `watch`, `worker watch`, `tap` and `metrics --listen`."""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable
from functools import partial


def keep_running() -> None:
    """Turn the garbage collector on again, which short commands do without (see `__main__`)."""
    gc.enable()


def hold_stop_signals() -> Callable[[], object]:
    """Hold SIGTERM, SIGINT and SIGHUP back, and return a function that waits for one of them.

    As the first process of a container, a program gets only those signals that it handles or waits for.
    """
    stops = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)  # before threads are started, which inherit it
    return partial(signal.sigwait, stops)
