"""The live view without a terminal: Textual's pilot presses keys, and the screen is read as text."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from textual.pilot import Pilot

from attune_infra.tui.app import WatchApp

_CALM = 10
"""Pauses of 0.05 s without a change after which a screen is drawn."""
_PATIENCE = 400
"""Pauses of 0.05 s after which the screen should show what is waited for."""


def screen_of(app: WatchApp) -> list[str]:
    """Return the lines of the screen, without blanks at their ends."""
    strips = app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip).rstrip() for strip in strips]


def watch(app: WatchApp, act: Callable[[Pilot[Any]], Awaitable[None]], size: tuple[int, int] = (80, 24)) -> None:
    """Run the app for as long as a person acts."""

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await act(pilot)

    asyncio.run(run())


async def until(pilot: Pilot[Any], words: str, *, gone: bool = False) -> list[str]:
    """Wait until a line of the screen has these words, or none has them any more; return the lines."""
    app = pilot.app
    assert isinstance(app, WatchApp)
    for _ in range(_PATIENCE):
        lines = screen_of(app)
        if any(words in line for line in lines) != gone:
            return lines
        await pilot.pause(0.05)
    raise AssertionError(f"{words!r} {'stays' if gone else 'is missing'} in:\n" + "\n".join(lines))


async def settled(pilot: Pilot[Any]) -> list[str]:
    """Return the lines of the screen once they have been the same for half a second."""
    app = pilot.app
    assert isinstance(app, WatchApp)
    lines: list[str] = []
    calm = 0
    while calm < _CALM or app.is_looking:
        before, lines = lines, screen_of(app)
        calm = calm + 1 if lines == before else 0
        await pilot.pause(0.05)
    return lines
