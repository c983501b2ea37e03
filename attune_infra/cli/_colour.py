"""The choice of colour: --color, then NO_COLOR, then FORCE_COLOR or CLICOLOR_FORCE, then a terminal."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, TextIO

if TYPE_CHECKING:
    from rich.console import Console


class When(StrEnum):
    """The times at which text is coloured."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


_chosen = When.AUTO


def choose(when: When) -> When:
    """Remember the choice for all that is printed later, errors too. A callback for the option."""
    global _chosen  # noqa: PLW0603 - a program has one screen
    _chosen = When(when)
    return _chosen


def takes_colour(stream: TextIO) -> bool:
    """Return True if text on a stream is to be coloured."""
    if _chosen is not When.AUTO:
        return _chosen is When.ALWAYS
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") != "0" or os.environ.get("CLICOLOR_FORCE", "0") != "0":
        return True
    return is_screen(stream)


def is_screen(stream: TextIO) -> bool:
    """Return True if a stream is a terminal that can move its cursor, so that progress can be drawn."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def console(stream: TextIO) -> Console | None:
    """Return a console for coloured text; None for plain text, without importing rich."""
    if not takes_colour(stream):
        return None
    from rich.console import Console

    return Console(file=stream, emoji=False, force_terminal=True, no_color=False, color_system=_system(stream))


def screen(stream: TextIO) -> Console | None:
    """Return a console that draws progress, in colour or without; None if a stream is no terminal."""
    if not is_screen(stream):
        return None
    from rich.console import Console

    return Console(file=stream, emoji=False, no_color=not takes_colour(stream))


def _system(stream: TextIO) -> Literal["auto", "standard"]:
    return "auto" if is_screen(stream) else "standard"
