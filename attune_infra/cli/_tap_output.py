"""The output of `tap`: messages as lines of text or of JSON, also into a file, and the sum of them at the end."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import typer

from attune_infra.cli._display import Output
from attune_infra.cli._output import complain, print_text, tell

if TYPE_CHECKING:
    from attune_infra.cli._files import NewFile
    from attune_infra.cli._session import Session
    from attune_infra.messages.tapped import Progress, Tapped, TappedMessage
    from attune_infra.topology.routing.tap import Tap

_STDOUT: Final = 1


class TapOutput:
    """Writes messages on standard output and into a file, for one exchange."""

    def __init__(self, session: Session, output: Output, exchange: str, file: NewFile | None) -> None:
        self._session, self._output, self._file = session, output, file
        self._verbosity = session.display.verbosity
        self._line = self._json_line if output is Output.JSON else self._text_lines
        self._exchange = exchange
        self._is_writing = False

    def begin(self, tap: Tap, uncounted: str | None) -> None:
        """Tell that the tap is there, and what to know of it; `uncounted` says why drops cannot be counted."""
        if self._verbosity >= 0:
            tell(f"{tap.name}; Ctrl-C ends it")
        for remark in tap.remarks:
            tell(remark)
        if uncounted is not None:
            tell(f"warning: dropped messages are not counted: {uncounted}")

    def write(self, messages: Sequence[TappedMessage]) -> None:
        """Write messages; this may wait for a terminal or a pipe, so it holds no lock of Python's own files."""
        if self._file is not None:
            self._save(self._file, messages)
        if self._verbosity < 0 and self._output is Output.TEXT:
            return
        text = "".join(f"{self._line(each)}\n" for each in messages)
        left = memoryview(text.encode(errors="backslashreplace"))
        self._is_writing = True
        while left:
            left = left[os.write(_STDOUT, left) :]
        self._is_writing = False

    def report(self, progress: Progress) -> None:
        """Tell how many messages came, and how fast."""
        from attune_infra.render.pages import tap as page

        if self._verbosity >= 0:
            tell(page.progress_line(progress))

    def finish(self, tapped: Tapped) -> NoReturn:
        """Print the sum of the messages, and exit.

        It is the last line of JSON. It goes to standard error as sentences if messages are text, or if standard
        output takes nothing more.
        """
        from attune_infra.render.data import json_document
        from attune_infra.render.pages import tap as page
        from attune_infra.render.text import Level

        if self._output is Output.JSON and not self._is_writing:
            target = self._session.met.target
            print_text(json_document("tap", page.data(tapped), tapped.exit_code, target, is_line=True))
        else:
            for line in page.lines(tapped):
                if self._verbosity >= 0 or line.level is Level.PROBLEM:
                    tell(line.text)
        if tapped.lost is not None:
            complain(tapped.lost, "its queue is gone too; run the command again")
        raise typer.Exit(tapped.exit_code)

    def _text_lines(self, tapped: TappedMessage) -> str:
        from attune_infra.render.pages import tap as page

        is_screen = sys.stdout.isatty() or "COLUMNS" in os.environ
        width = shutil.get_terminal_size().columns if is_screen and self._verbosity < 1 else None
        line = page.message_line(tapped, self._exchange, width)
        return f"{line}\n{page.property_line(tapped)}" if self._verbosity > 0 else line

    def _json_line(self, tapped: TappedMessage) -> str:
        import json

        from attune_infra.render.pages import tap as page

        return json.dumps(page.message_data(tapped), ensure_ascii=False)

    def _save(self, file: NewFile, messages: Sequence[TappedMessage]) -> None:
        from attune_infra.messages.jsonl import format_line

        for each in messages:
            file.write(format_line(each.message))
            file.flush()


@contextmanager
def tap_output(session: Session, output: Output, exchange: str, save: Path | None) -> Iterator[TapOutput]:
    """Yield the output, with a new file if one is named, which keeps what it has if the block fails."""
    if save is None:
        yield TapOutput(session, output, exchange, None)
        return
    from attune_infra.cli._files import NewFile

    file = NewFile(save)
    try:
        yield TapOutput(session, output, exchange, file)
    finally:
        file.finish()
