"""attune-infra queue copy."""

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

Source = Annotated[str, typer.Argument(metavar="FROM", help="Queue or stream to read.", show_default=False)]
Target = Annotated[str, typer.Argument(metavar="TO", help="Queue that gets the copies.", show_default=False)]


@app.command()
@shared(Uses.DISPLAY | Uses.BROKER | Uses.PLACE)
def copy(
    session: Session,
    source: Source,
    target: Target,
    *,
    where: Where = None,
    limit: Limit = None,
    pause_above: PauseAbove = None,
    yes: Yes = False,
) -> None:
    """Copy messages to another queue, after asking; the first queue keeps them.

    If a copy out of a stream was cut, the same command continues it. A copy out of another queue starts again with
    the first message. A quorum queue counts each copy as a delivery.
    """
    carry_out(session, (source, target), where, limit=limit, rate=pause_above, yes=yes, copies=True)
