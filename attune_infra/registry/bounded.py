"""A connection to PostgreSQL that waits for no answer longer than its time.

`statement_timeout` is kept by the server, so it does not help when the line is dead.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any, Final, TypeAlias, TypeVar

import psycopg

from attune_infra import deadline

_T = TypeVar("_T")
_Waiting: TypeAlias = "Generator[Any, Any, _T]"
"""Question that psycopg waits for: it yields what it needs, and is sent what is ready, or 0 from time to time."""

_GRACE: Final = 1.0
"""Seconds beyond the server's own limit, in which its answer comes that it has passed."""


class BoundedConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that closes, with `psycopg.OperationalError`, if an answer takes too long."""

    seconds = float("inf")
    """Seconds that the server may take for an answer."""

    def wait(self, gen: _Waiting[_T], *args: Any, **kwargs: Any) -> _T:
        return super().wait(self._bounded(gen), *args, **kwargs)

    def _bounded(self, gen: _Waiting[_T]) -> _Waiting[_T]:
        end = time.monotonic() + deadline.shorten(self.seconds + _GRACE)
        try:
            state = next(gen)
            while True:
                ready = yield state
                if time.monotonic() > end:
                    self.pgconn.finish()
                    raise psycopg.errors.ConnectionTimeout("no answer in time")
                state = gen.send(ready)
        except StopIteration as done:
            found: _T = done.value
            return found
