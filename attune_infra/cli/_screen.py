"""A full-screen terminal view: rich draws it, keys are read one by one."""

from __future__ import annotations

import os
import select
import sys
import termios
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from attune_infra.errors import WrongUsage

if TYPE_CHECKING:
    from rich.live import Live

    from attune_infra.render.text import Line

_ESCAPE: Final = b"\x1b"
_UNFINISHED: Final = b"\x1b[0123456789;"
"""Last bytes of a key sequence that is not complete."""
_SEQUENCES: Final = {
    b"\x1b[A": "up",
    b"\x1b[B": "down",
    b"\x1b[5~": "page up",
    b"\x1b[6~": "page down",
    b"\x1b[H": "home",
    b"\x1b[F": "end",
}
"""Byte sequences that terminals send for special keys."""


class Screen:
    """The screen that a person sees, and the keys pressed."""

    def __init__(self, live: Live) -> None:
        self._live = live

    @property
    def size(self) -> tuple[int, int]:
        """Return the numbers of columns and lines."""
        return self._live.console.size.width, self._live.console.size.height

    def draw(self, lines: Sequence[Line]) -> None:
        from rich.text import Text

        texts = (Text(line.text, style=line.style) for line in lines)
        joined = Text("\n", no_wrap=True, overflow="crop").join(texts)
        self._live.update(joined, refresh=True)

    def key(self, seconds: float) -> str | None:
        """Return the key pressed within that time, a character or a name such as `page up`; None without one."""
        if not _is_ready(seconds):
            return None
        pressed = os.read(sys.stdin.fileno(), 1)
        while pressed.startswith(_ESCAPE) and pressed[-1:] in _UNFINISHED and _is_ready(0):
            pressed += os.read(sys.stdin.fileno(), 1)
        return _SEQUENCES.get(pressed) or pressed.decode("ascii", "replace") or "q"


def _is_ready(seconds: float) -> bool:
    return bool(select.select([sys.stdin], [], [], seconds)[0])


@contextmanager
def screen() -> Iterator[Screen]:
    """Yield the whole terminal, then restore it; raise `WrongUsage` if there is none."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        hint = "`attune-infra worker list` prints it once, `attune-infra metrics` for monitoring"
        raise WrongUsage("no terminal: a live view needs one", hint=hint)
    from rich.console import Console
    from rich.live import Live

    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        with Live(console=Console(), screen=True, auto_refresh=False) as live:
            yield Screen(live)
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
