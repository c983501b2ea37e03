"""attune-infra tap."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attune_infra.cli._app import App
from attune_infra.cli._display import Output, OutputOption
from attune_infra.cli._durations import duration_option
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.cli._staying import keep_running
from attune_infra.cli._tap_output import TapOutput, tap_output
from attune_infra.cli.queue._options import Where

if TYPE_CHECKING:
    from attune_infra.broker.messages.tap import AmqpTap
    from attune_infra.messages.tapped import Bounds, Tapped
    from attune_infra.topology.routing.tap import Tap, Wish

app = App()

_Exchange = Annotated[
    str, typer.Argument(metavar="EXCHANGE", help="Exchange to tap; the default exchange cannot be tapped.")
]
_Key = Annotated[
    str | None,
    typer.Argument(
        metavar="KEY",
        help="Routing key of the tap's binding. Default: # on a topic exchange; on a direct one, the keys of all "
        "its bindings.",
        show_default=False,
    ),
]
_Headers = Annotated[
    list[str] | None,
    typer.Option(
        "--header",
        metavar="K=V",
        help='On a headers exchange: only messages with this header; V as in YAML: 5 is an integer, "5" a string. '
        "May repeat.",
        show_default=False,
    ),
]
_OnlyRouted = Annotated[
    bool,
    typer.Option(
        "--only-routed",
        help="Tap only messages that other bindings match too. No message takes another way then.",
    ),
]
_Count = Annotated[
    int | None, typer.Option("--count", metavar="N", min=1, help="End after N messages.", show_default=False)
]
_For = Annotated[
    float | None, duration_option("--for", about="End after this time: 30s. Default: at Ctrl-C.", minimum=0.1)
]
_MaxRate = Annotated[
    int | None,
    typer.Option("--max-rate", metavar="N", min=1, help="Show at most N messages a second.", show_default=False),
]
_Buffer = Annotated[
    int,
    typer.Option(
        "--buffer", metavar="N", min=1, max=1_000_000, help="Messages that may wait; RabbitMQ drops older ones."
    ),
]
_Uncounted = Annotated[
    bool,
    typer.Option(
        "--uncounted",
        help="Do not count dropped messages, which costs RabbitMQ as much as another queue while it drops.",
    ),
]
_Save = Annotated[
    Path | None,
    typer.Option(
        "--save",
        metavar="FILE.jsonl",
        help="Also write the messages to a new file, one a line, for `queue load`.",
        show_default=False,
    ),
]
_Queue = Annotated[
    str | None,
    typer.Option(
        "--queue",
        metavar="NAME",
        help="Name of the private queue; default: attune-infra.tap.XXXXXXXX.",
        show_default=False,
    ),
]


@app.command()
@shared(Uses.BROKER | Uses.PLACE | Uses.NO_END)
def tap(
    session: Session,
    exchange: _Exchange,
    key: _Key = None,
    *,
    header: _Headers = None,
    only_routed: _OnlyRouted = False,
    where: Where = None,
    count: _Count = None,
    for_: _For = None,
    max_rate: _MaxRate = None,
    buffer: _Buffer = 10_000,
    uncounted: _Uncounted = False,
    save: _Save = None,
    queue: _Queue = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """See live what passes an exchange, through a private queue that is gone when the command ends.

    It ends at Ctrl-C, or at --count or --for. RabbitMQ drops what it is too slow for, and it says how many.
    """
    from attune_infra.topology.routing.tap import plan_tap

    wish, bounds = _wish(exchange, key, header, only_routed=only_routed), _bounds(where, count, for_, max_rate)
    with session.broker(writes=True) as broker:
        topology = broker.read(private=True)
        plan = plan_tap(wish, topology, queue or _new_name())
        with tap_output(session, output, plan.exchange.name, save) as out:
            with broker.tapping(plan, topology, queue_length=buffer, counts=not uncounted) as source:
                tapped = _watch(plan, source, bounds, out)
            out.finish(tapped)


def _wish(exchange: str, key: str | None, headers: list[str] | None, *, only_routed: bool) -> Wish:
    """Return the wish; raise `WrongUsage` if no binding could have such a key or headers."""
    from attune_infra.cli._message import read_message
    from attune_infra.topology.routing.tap import Wish

    asked = read_message(exchange, key or "", headers or ())
    return Wish(
        exchange=asked.exchange,
        key=key,
        headers=None if headers is None else asked.headers,
        only_routed=only_routed,
    )


def _bounds(where: list[str] | None, count: int | None, seconds: float | None, rate: int | None) -> Bounds:
    from attune_infra.messages.selection import parse_selection
    from attune_infra.messages.tapped import Bounds

    return Bounds(count=count, seconds=seconds, rate=rate, selection=parse_selection(where or ()))


def _new_name() -> str:
    from secrets import token_hex

    return f"attune-infra.tap.{token_hex(4)}"


def _watch(plan: Tap, source: AmqpTap, bounds: Bounds, out: TapOutput) -> Tapped:
    from attune_infra.operations.tap import Watch
    from attune_infra.worker.wakeup import Wakeup

    keep_running()
    with Wakeup() as stop:
        out.begin(plan, source.uncounted)
        return Watch(source, bounds, stop, out.report).run(plan, out.write)
