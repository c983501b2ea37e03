"""The one place that prints: results to stdout, talk to stderr, colour only on a terminal that wants it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol, TextIO, TypeVar

if TYPE_CHECKING:
    from rich.console import Console

    from attune_infra.render.showable import Showable
    from attune_infra.topology.document.text import LeftOut

_T = TypeVar("_T")

_MANY: Final = 100
"""Objects for which a bar is worth its while."""


class Output(StrEnum):
    """How a result is printed."""

    TEXT = "text"
    JSON = "json"


class WaitFor(Protocol):
    """Try something until it works or the time is over; return what it returns."""

    def __call__(self, attempt: Callable[[], _T]) -> _T: ...


def show(command: str, result: Showable, exit_code: int, output: Output) -> None:
    """Print a command's result."""
    if output is Output.JSON:
        from attune_infra.render.data import document

        print(document(command, result, exit_code))
        return
    from attune_infra.render.text import lines_of

    console = _console(sys.stdout)
    for line in lines_of(result):
        if console is None:
            print(line.text)
        else:
            console.print(line.text, style=line.style, markup=False, highlight=False, soft_wrap=True)


def complain(sentence: str, hint: str | None) -> None:
    """Print what went wrong, and what to do next."""
    from attune_infra.render.words import visible

    console = _console(sys.stderr)
    for name, text, style in (("error: ", sentence, "bold red"), ("hint:  ", hint or "", "bold")):
        for number, line in enumerate(text.splitlines()):
            beginning = name if number == 0 else " " * len(name)
            if console is None:
                print(beginning + visible(line), file=sys.stderr)
            else:
                console.print(beginning, style=style, end="", markup=False, highlight=False)
                console.print(visible(line), markup=False, highlight=False, soft_wrap=True)


def tell(sentence: str) -> None:
    """Say something that is no result."""
    from attune_infra.render.words import visible

    print(visible(sentence), file=sys.stderr)


def tell_left_out(left_out: Iterable[LeftOut]) -> None:
    """Say what was not taken over, and why."""
    from attune_infra.render.words import omission

    for found in left_out:
        tell(omission(found))


@contextmanager
def patience(seconds: float, what: str) -> Iterator[WaitFor]:
    """Yield a way to wait for a server, showing on a terminal that and for what one waits."""
    from attune_infra.operations import wait

    with _spinner(f"waiting for {what}") as start:

        def wait_for(attempt: Callable[[], _T]) -> _T:
            return wait.wait_for(attempt, seconds=seconds, on_pause=lambda _: start())

        yield wait_for


@contextmanager
def _spinner(words: str) -> Iterator[Callable[[], None]]:
    """Yield what starts a spinner; it stops with the block."""
    console = _console(sys.stderr)
    if console is None:
        yield lambda: None
        return
    spinner = console.status(words)
    try:
        yield spinner.start
    finally:
        spinner.stop()


@contextmanager
def progress(words: str) -> Iterator[Callable[[int, int], None]]:
    """Yield what is told how many of how many objects are done; on a terminal, many of them are shown as a bar."""
    console = _console(sys.stderr)
    with ExitStack() as stack:
        show: Callable[[int, int], None] | None = None

        def watch(done: int, total: int) -> None:
            nonlocal show
            if console is None or total < _MANY:
                return
            if show is None:
                show = stack.enter_context(_bar(words, console))
            show(done, total)

        yield watch


@contextmanager
def _bar(words: str, console: Console) -> Iterator[Callable[[int, int], None]]:
    """Show a bar with the objects done and in all, how many in a second, and the time left."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(words), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]:.0f}/s"))
    began = time.monotonic()
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress:
        task = progress.add_task(words, total=None, rate=0.0)

        def show(done: int, total: int) -> None:
            rate = done / max(time.monotonic() - began, 0.001)
            progress.update(task, completed=done, total=total, rate=rate)

        yield show


def _console(stream: TextIO) -> Console | None:
    """Return a console for a terminal that wants colour; None for anything else, which costs no import."""
    if not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return None
    from rich.console import Console

    return Console(file=stream, emoji=False)
