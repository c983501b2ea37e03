"""Consent to delete: given by --yes, or asked for once on a terminal, before anything is changed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from attune_infra.cli._output import tell
from attune_infra.errors import PlanRefused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from attune_infra.render.text import Line


def ask_to_delete(lines: Iterable[Line], question: str, *, hint: str) -> None:
    """Show what would be deleted, and ask; raise `PlanRefused` without a yes or without a terminal to ask on."""
    for line in lines:
        tell(line.text)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise PlanRefused(f"no terminal to ask: {question}", hint=hint)
    if not typer.confirm(question, err=True):
        raise PlanRefused("not confirmed; nothing was changed")
