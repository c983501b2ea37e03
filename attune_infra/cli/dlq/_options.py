"""Options that several commands about dead letters have."""

from __future__ import annotations

from typing import Annotated, Final

import typer

DEFAULT_LOOK: Final = 1000

Queue = Annotated[str, typer.Argument(metavar="QUEUE", help="Dead letter queue.", show_default=False)]
Look = Annotated[
    int,
    typer.Option("--look", metavar="N", min=0, help="Read at most this many messages of a queue; 0 reads none."),
]
