"""Have something else done while a call waits for its answer."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

_T = TypeVar("_T")


def run_in_background(call: Callable[[], _T]) -> Callable[[], _T]:
    """Start a call in a thread of its own and return at once what waits for it, and returns or raises what it did.

    The thread does not keep the program from ending.
    """
    answers: SimpleQueue[tuple[_T, None] | tuple[None, Exception]] = SimpleQueue()

    def run() -> None:
        try:
            answers.put((call(), None))
        except Exception as error:  # noqa: BLE001 - it is raised where the answer is awaited
            answers.put((None, error))

    def answer() -> _T:
        found, error = answers.get()
        if error is not None:
            raise error
        return found  # type: ignore[return-value] # there is no error

    Thread(target=run, daemon=True).start()
    return answer
