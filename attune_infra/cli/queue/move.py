"""attune-infra queue move."""

from __future__ import annotations

from typing import Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._consent import Yes
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.cli.queue._moving import Limit, PauseAbove, carry_out
from attune_infra.cli.queue._options import Where

app = App()

Source = Annotated[str, typer.Argument(metavar="FROM", help="Queue to take messages out of.", show_default=False)]
Target = Annotated[str, typer.Argument(metavar="TO", help="Queue that gets them.", show_default=False)]


@app.command()
@shared(Uses.DISPLAY | Uses.BROKER | Uses.PLACE)
def move(
    session: Session,
    source: Source,
    target: Target,
    *,
    where: Where = None,
    limit: Limit = None,
    pause_above: PauseAbove = None,
    yes: Yes = False,
) -> None:
    """Move messages to another queue, each confirmed there before it is removed here, after asking.

    A move that was cut goes on when the same command runs again: no message is lost, and none is there twice.
    """
    carry_out(session, (source, target), where, limit=limit, rate=pause_above, yes=yes)
