"""Durations typed on the command line: `30s`, `5m`, or a number of seconds."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import typer

from attune_infra.durations import EXAMPLES, milliseconds


def duration_option(
    *flags: str,
    about: str,
    minimum: float = 0.0,
    panel: str | None = None,
) -> Any:
    """Return an option whose value is a number of seconds, as a float."""
    return typer.Option(*flags, metavar="DURATION", help=about, rich_help_panel=panel, parser=_at_least(minimum))


def _at_least(minimum: float) -> Callable[[str | float], float]:
    def duration(given: str | float) -> float:
        seconds = _seconds(given)
        if seconds < minimum:
            raise typer.BadParameter(f"{given} is shorter than {minimum:g} s")
        return seconds

    return duration


def _seconds(given: str | float) -> float:
    if isinstance(given, str) and (found := milliseconds(given)) is not None:
        return found / 1000
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise typer.BadParameter(f"'{given}' is not a duration: write {EXAMPLES}, or a number of seconds")
    return seconds
