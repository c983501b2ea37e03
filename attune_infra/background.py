"""Run a call in a thread, while the program does something else."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

_T = TypeVar("_T")


def run_in_background(call: Callable[[], _T]) -> Callable[[], _T]:
    """Start a call in a thread and return a function that waits for its end.

    That function returns the call's result or raises its exception. The thread ends with the program.
    """
    answers: SimpleQueue[tuple[_T, None] | tuple[None, Exception]] = SimpleQueue()

    def run() -> None:
        try:
            answers.put((call(), None))
        except Exception as error:  # noqa: BLE001 - `answer` raises it
            answers.put((None, error))

    def answer() -> _T:
        found, error = answers.get()
        if error is not None:
            raise error
        return found  # type: ignore[return-value] # there is no error

    Thread(target=run, daemon=True).start()
    return answer
