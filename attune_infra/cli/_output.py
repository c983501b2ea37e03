"""The one place that prints: results to stdout, everything else to stderr, colour only on a terminal."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NoReturn, Protocol, TextIO, TypeVar

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from attune_infra.render.page import Page, R
    from attune_infra.render.text import Line
    from attune_infra.topology.document.reading import Reading
    from attune_infra.topology.document.text import LeftOut
    from attune_infra.topology.target import Target

_T = TypeVar("_T")

_MIN_OBJECTS_FOR_BAR: Final = 100
"""Fewer objects are done before a progress bar could be read."""


class Output(StrEnum):
    """The format of a result."""

    TEXT = "text"
    JSON = "json"


class WaitFor(Protocol):
    """Try a call until it succeeds or the time is over; return its result."""

    def __call__(self, attempt: Callable[[], _T]) -> _T: ...


def finish(command: str, page: Page[R], result: R, output: Output, target: Target | None = None) -> NoReturn:
    """Print a command's result, for JSON with the broker that was asked, and exit with its exit code."""
    if output is Output.JSON:
        from attune_infra.render.data import json_document

        print(json_document(command, page.data(result), result.exit_code, target))
    else:
        _print_lines(page.lines(result))
    raise typer.Exit(result.exit_code)


def _print_lines(lines: Iterable[Line]) -> None:
    from attune_infra.render.text import escape_lines

    console = _console(sys.stdout)
    for line in escape_lines(lines):
        if console is None:
            print(line.text)
        else:
            console.print(line.text, style=line.style, markup=False, highlight=False, soft_wrap=True)


def complain(sentence: str, hint: str | None) -> None:
    """Print an error and its hint."""
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


def can_ask() -> bool:
    """Return True if a person can read a question on standard error, and type the answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def tell(sentence: str) -> None:
    """Print a sentence that is not part of the result."""
    from attune_infra.render.words import visible

    print(visible(sentence), file=sys.stderr)


def tell_left_out(left_out: Iterable[LeftOut]) -> None:
    """Print the objects that were left out, and why."""
    from attune_infra.render.words import omission

    for found in left_out:
        tell(omission(found))


def tell_reading(reading: Reading) -> None:
    """Print the problems of a text, and the objects that were left out of it."""
    for sentence in reading.warnings():
        tell(f"warning: {sentence}")
    tell_left_out(reading.left_out)


@contextmanager
def waiting(seconds: float, what: str) -> Iterator[WaitFor]:
    """Yield a function that waits for a server, with a spinner on a terminal."""
    from attune_infra.operations import wait

    with _spinner(f"waiting for {what}") as start:

        def wait_for(attempt: Callable[[], _T]) -> _T:
            return wait.wait_for(attempt, seconds=seconds, on_pause=lambda _: start())

        yield wait_for


@contextmanager
def _spinner(words: str) -> Iterator[Callable[[], None]]:
    """Yield a function that starts a spinner; it stops with the block."""
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
    """Yield a callback (done, total); on a terminal, a progress bar shows it if there are many objects."""
    console = _console(sys.stderr)
    with ExitStack() as stack:
        show: Callable[[int, int], None] | None = None

        def watch(done: int, total: int) -> None:
            nonlocal show
            if console is None or total < _MIN_OBJECTS_FOR_BAR:
                return
            if show is None:
                show = stack.enter_context(_bar(words, console))
            show(done, total)

        yield watch


@contextmanager
def _bar(words: str, console: Console) -> Iterator[Callable[[int, int], None]]:
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


def _console(stream: TextIO) -> Console | None:
    """Return a console for a terminal that takes colour; None for anything else, without importing rich."""
    if not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return None
    from rich.console import Console

    return Console(file=stream, emoji=False)
