"""Answers that are the same in all virtual hosts of a broker, asked once for several of them."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attune_infra.broker.http.management import Overview
    from attune_infra.broker.wire import Json

_T = TypeVar("_T")


class Once(Generic[_T]):
    """The answer to one question: the first thread asks it, and the others wait for that answer.

    If asking fails, the next thread asks again.
    """

    def __init__(self) -> None:
        self._lock, self._found = Lock(), list[_T]()

    def __call__(self, ask: Callable[[], _T]) -> _T:
        with self._lock:
            if not self._found:
                self._found.append(ask())
            return self._found[0]


class Shared:
    """The answers that the virtual hosts of one command share, for their first reading."""

    def __init__(self) -> None:
        self.overview: Once[Overview] = Once()
        self.virtual_hosts: Once[Sequence[Json]] = Once()
