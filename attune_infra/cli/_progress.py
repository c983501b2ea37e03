"""Signs of life on a terminal: a spinner, or a bar for many objects. Nothing is drawn anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock, Timer, current_thread, main_thread
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from attune_infra.cli import _colour

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

_T = TypeVar("_T")

_MIN_OBJECTS_FOR_BAR: Final = 100
"""Fewer objects are mostly done before a progress bar could be read."""

_MIN_SECONDS: Final = 1.0
"""After so long, even few objects deserve a bar, and a block without objects a spinner."""


class WaitFor(Protocol):
    """Try a call until it succeeds or the time is over; return its result."""

    def __call__(self, attempt: Callable[[], _T]) -> _T: ...


@contextmanager
def waiting(seconds: float, what: str) -> Iterator[WaitFor]:
    """Yield a function that waits for a server, with a spinner on a terminal."""
    from attune_infra.operations import wait

    with _Spinner(f"waiting for {what}") as spinner:

        def wait_for(attempt: Callable[[], _T]) -> _T:
            return wait.wait_for(attempt, seconds=seconds, on_pause=lambda _: spinner.start())

        yield wait_for


@contextmanager
def busy(words: str) -> Iterator[None]:
    """Show a spinner on a terminal if the block takes more than a second; only one at a time can be shown."""
    if not _is_shown():
        yield
        return
    with _Spinner(words) as spinner:
        timer = Timer(_MIN_SECONDS, spinner.start)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _is_shown() -> bool:
    """Return whether the thread may draw: on a terminal, and only one thread, since the terminal is one."""
    return _colour.is_screen(sys.stderr) and current_thread() is main_thread()


class _Spinner:
    """A spinner that any thread may start; it stops with its block, and does not start later."""

    def __init__(self, words: str) -> None:
        self._words = words
        self._starting = Lock()
        self._status: Status | None = None
        self._is_over = False

    def start(self) -> None:
        with self._starting:
            console = _colour.screen(sys.stderr)
            if console is not None and self._status is None and not self._is_over:
                self._status = console.status(self._words)
                self._status.start()

    def __enter__(self) -> _Spinner:
        return self

    def __exit__(self, *_: object) -> None:
        with self._starting:
            self._is_over = True
            if self._status is not None:
                self._status.stop()


@contextmanager
def progress(words: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a callback (done, total); on a terminal, a progress bar shows it if there is much to wait for."""
    began, is_screen = time.monotonic(), _is_shown()
    with ExitStack() as stack:
        show: Callable[[int, int], None] | None = None

        def watch(done: int, total: int) -> None:
            nonlocal show
            if show is None:
                is_long = total >= _MIN_OBJECTS_FOR_BAR or time.monotonic() - began > _MIN_SECONDS
                if not (is_screen and is_long):
                    return
                show = stack.enter_context(_bar(words, _colour.screen(sys.stderr)))
            show(done, total)

        yield watch


@contextmanager
def _bar(words: str, console: Console | None) -> Iterator[Callable[[int, int], None]]:
    """Show a bar with the objects done, their total, the rate per second and the time left."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(words), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]:.0f}/s"))
    began = time.monotonic()
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress:
        task = progress.add_task(words, total=None, rate=0.0)

        def show(done: int, total: int) -> None:
            rate = done / max(time.monotonic() - began, 0.001)
            progress.update(task, completed=done, total=total, rate=rate)

        yield show
