"""Run calls in threads, while the program does something else, and share what one of them has found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Generic, Protocol, TypeVar

_Item = TypeVar("_Item")
_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)


class Answer(Protocol[_T_co]):
    """Wait for the end of a call; without it in time, raise `TimeoutError`."""

    def __call__(self, seconds: float | None = None) -> _T_co: ...


def run_in_background(call: Callable[[], _T]) -> Answer[_T]:
    """Start a call in a thread and return a function that waits for its end.

    That function returns the call's result or raises its exception. The thread ends with the program.
    """
    answers: SimpleQueue[tuple[_T, None] | tuple[None, Exception]] = SimpleQueue()

    def run() -> None:
        try:
            answers.put((call(), None))
        except Exception as error:  # noqa: BLE001 - `answer` raises it
            answers.put((None, error))

    def answer(seconds: float | None = None) -> _T:
        try:
            found, error = answers.get(timeout=seconds)
        except Empty:
            raise TimeoutError from None
        if error is not None:
            raise error
        return found  # type: ignore[return-value] # there is no error

    Thread(target=run, daemon=True).start()
    return answer


def run_in_shares(call: Callable[[Sequence[_Item]], _T], items: Sequence[_Item], most: int) -> list[_T]:
    """Run a call for each of at most so many shares of the items, all at once, and return the results."""
    shares = (items[start::most] for start in range(min(most, len(items))))
    answers = [run_in_background(partial(call, share)) for share in shares]
    return [answer() for answer in answers]


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
