"""The one place that prints: results to stdout or a file, everything else to stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final, NoReturn

import typer

from attune_infra import deadline
from attune_infra.cli import _colour
from attune_infra.cli._display import Output
from attune_infra.errors import AttuneError
from attune_infra.masking import masked

if TYPE_CHECKING:
    from attune_infra.cli._display import Display
    from attune_infra.render.page import Page, R
    from attune_infra.render.text import Line
    from attune_infra.topology.document.reading import Reading
    from attune_infra.topology.document.text import LeftOut
    from attune_infra.topology.target import Target
    from attune_infra.worker.log import LogLine


class Log:
    """The form of everything on standard error: sentences as they are, or log lines if `line` makes them."""

    line: LogLine | None = None


LOG: Final = Log()


def finish(command: str, page: Page[R], result: R, display: Display, target: Target | None = None) -> NoReturn:
    """Show a command's result, for JSON with the broker that was asked, and exit with its exit code."""
    deadline.lift()
    if display.output == Output.JSON:
        from attune_infra.render.data import json_document

        put(json_document(command, page.data(result), result.exit_code, target), display)
    elif display.to is not None:
        put(_text_of(page, result, display), display)
    else:
        _print_lines(_shown(page.lines(result), display))
    raise typer.Exit(result.exit_code)


def _text_of(page: Page[R], result: R, display: Display) -> str:
    """Return the text of a result for a file: a document as it is, other lines as a terminal shows them."""
    if text := getattr(page, "text", None):
        return str(text(result))
    return "\n".join(line.text for line in _shown(page.lines(result), display))


def put(text: str, display: Display) -> None:
    """Print a text, or write it to the file that was named."""
    if display.to is None:
        print(text)
        return
    from attune_infra.cli._files import write_whole

    write_whole(display.to, text.removesuffix("\n") + "\n" if text else "")
    if display.verbosity >= 0:
        tell(f"{display.to}: written")


def _shown(lines: Iterable[Line], display: Display) -> Iterator[Line]:
    """Yield the lines that deserve as much attention as is asked for."""
    from attune_infra.render.text import Level, escape_lines

    most = Level(min(Level.NORMAL + display.verbosity, Level.DETAIL))
    return (line for line in escape_lines(lines) if line.level <= most or line.text.startswith("!"))


def _print_lines(lines: Iterable[Line]) -> None:
    console = _colour.console(sys.stdout)
    for line in lines:
        if console is None:
            print(line.text)
        else:
            console.print(line.text, style=line.style, markup=False, highlight=False, soft_wrap=True)


def print_text(text: str) -> None:
    """Print a text on standard output, now."""
    print(text, flush=True)


def complain(sentence: str, hint: str | None) -> None:
    """Print an error and its hint."""
    from attune_infra.render.words import visible

    if LOG.line is not None:
        print(LOG.line(sentence, "error", hint), file=sys.stderr)
        return
    console = _colour.console(sys.stderr)
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


def tell(sentence: str, severity: str = "info") -> None:
    """Print a sentence that is not part of the result, in one piece; log lines have its severity too."""
    from attune_infra.render.words import visible

    sentence = masked(sentence)
    line = visible(sentence) if LOG.line is None else LOG.line(sentence, severity)
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def show_requests(verbosity: int) -> None:
    """Print on standard error each host that is passed over and, with 2, each request; with the time so far."""
    import logging

    from attune_infra.render.words import visible

    class Formatter(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            sentence = masked(record.getMessage())
            return _debug_line(sentence) or visible(f"{record.relativeCreated / 1000:8.3f} s  {sentence}")

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter())
    log = logging.getLogger("attune_infra.broker")
    log.setLevel(logging.DEBUG if verbosity > 1 else logging.INFO)
    log.addHandler(handler)


def _debug_line(sentence: str) -> str:
    """Return a log line for a request; an empty text if there are no log lines."""
    return "" if LOG.line is None else LOG.line(sentence, "debug")


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


class Warnings:
    """Print warnings of a block: at once, or at its end, unless the failure that ends it has the same words."""

    def __init__(self, *, at_end: bool) -> None:
        self._at_end, self._held = at_end, list[str]()

    def __enter__(self) -> Callable[[str], None]:
        return self._held.append if self._at_end else self._print

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        said = error.sentence if isinstance(error, AttuneError) else ""
        for words in self._held:
            if words not in said:
                self._print(words)

    @staticmethod
    def _print(words: str) -> None:
        tell(f"warning: {words}")
