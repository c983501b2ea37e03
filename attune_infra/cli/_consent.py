"""Whether a plan may destroy something: told by flags, or asked on a terminal, once, before anything is done."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from attune_infra.cli._output import tell
from attune_infra.errors import PlanRefused

if TYPE_CHECKING:
    from attune_infra.render.showable import Showable
    from attune_infra.topology.plan import Plan


def insist(shown: Showable, *, yes: bool) -> None:
    """Show what would be destroyed, and ask; raise `PlanRefused` if a yes is missing."""
    from attune_infra.render.text import lines_of

    if yes:
        return
    for line in lines_of(shown):
        tell(line.text)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise PlanRefused(
            "that would be removed, and there is no terminal to ask on",
            hint="look at it with --dry-run; then give --yes",
        )
    if not typer.confirm("Remove that?", err=True):
        raise PlanRefused("not confirmed; nothing was changed")


def may_destroy(plan: Plan, *, allow_destructive: bool, yes: bool) -> bool:
    """Return whether the plan's destructive changes may be made; raise `PlanRefused` if a yes is missing."""
    if not (allow_destructive and plan.destructive):
        return False
    if not yes:
        _ask(plan)
    return True


def _ask(plan: Plan) -> None:
    from attune_infra.render.text import lines_of

    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise PlanRefused(
            f"{len(plan.destructive)} changes would destroy something, and there is no terminal to ask on",
            hint="look at them with `attune-infra diff`; then give --yes beside --allow-destructive",
        )
    for line in lines_of(plan):
        tell(line.text)
    if not typer.confirm("Destroy what is marked ! and -?", err=True):
        raise PlanRefused("not confirmed; nothing was changed")
