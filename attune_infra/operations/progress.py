"""Progress of work on many objects, for whoever watches it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias, TypeVar

_T = TypeVar("_T")

Watch: TypeAlias = Callable[[int, int], None]
"""Progress callback: (done, total)."""


def watched(results: Iterable[_T], total: int, watch: Watch) -> Iterator[_T]:
    """Yield the results as they come, and tell the watcher how many of `total` there are so far."""
    if total:
        watch(0, total)
    for done, result in enumerate(results, 1):
        watch(done, total)
        yield result
