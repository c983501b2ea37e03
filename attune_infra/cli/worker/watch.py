"""attune-infra worker watch."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._options import require_finite, shared
from attune_infra.cli._session import Session
from attune_infra.cli._staying import keep_running
from attune_infra.cli._target import Asked
from attune_infra.cli.worker._survey import DEFAULTS, MaxDepth, MaxHeartbeatAge
from attune_infra.errors import BrokerError, RegistryError
from attune_infra.fleet.model import Fleet, Limits
from attune_infra.settings import Via

if TYPE_CHECKING:
    from attune_infra.cli._screen import Screen
    from attune_infra.render.pages.watch import View

app = App()

_Every = Annotated[
    float, typer.Option("--every", min=0.5, help="Seconds between two updates.", callback=require_finite)
]
_OnlyWrong = Annotated[bool, typer.Option("--only-wrong", help="Show only workers with findings at first.")]
_Filter = Annotated[
    str, typer.Option("--filter", metavar="TEXT", help="Show only workers with TEXT in their names.")
]


@app.command()
@shared
def watch(
    session: Session,
    *,
    every: _Every = 2.0,
    only_wrong: _OnlyWrong = False,
    filter_: _Filter = "",
    max_depth: MaxDepth = DEFAULTS.depth,
    max_heartbeat_age: MaxHeartbeatAge = DEFAULTS.heartbeat_age,
) -> None:
    """Show all workers live, on the whole terminal."""
    from attune_infra.cli._screen import screen
    from attune_infra.render.pages.watch import View
    from attune_infra.worker.survey import survey

    limits, want = Limits(depth=max_depth, heartbeat_age=max_heartbeat_age), session.topology
    view = View(only_wrong=only_wrong, name=filter_)
    keep_running()
    with session.broker(Via.HTTP, asked=Asked.HTTP_IF_IT_ANSWERS) as broker, screen() as terminal:

        def look() -> Fleet:
            with session.registry() as registry:
                return survey(broker, registry, want, limits)

        _show(terminal, view, look, every)


def _show(terminal: Screen, view: View, look: Callable[[], Fleet], every: float) -> None:
    """Look, draw and obey keys until `q`. If looking fails, show why, above the last fleet that was seen."""
    from attune_infra.render.pages.watch import page_size, screen

    fleet, trouble, again = Fleet(()), None, 0.0
    while True:
        if time.monotonic() >= again:
            fleet, trouble = _look_again(look, fleet)
            again = time.monotonic() + every
        width, height = terminal.size
        terminal.draw(screen(fleet, view, width=width, height=height, trouble=trouble))
        key = terminal.key(max(again - time.monotonic(), 0))
        if key == "q":
            return
        if key is not None:
            view = view.press(key, rows=len(view.select(fleet)), page=page_size(height))


def _look_again(look: Callable[[], Fleet], before: Fleet) -> tuple[Fleet, str | None]:
    try:
        return look(), None
    except (BrokerError, RegistryError) as error:
        return before, error.sentence
