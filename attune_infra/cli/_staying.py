"""Commands that stay until they are stopped: `worker run`, `worker watch` and `metrics --listen`."""

from __future__ import annotations

import gc


def keep_running() -> None:
    """Turn the garbage collector on again, which short commands do without (see `__main__`)."""
    gc.enable()
