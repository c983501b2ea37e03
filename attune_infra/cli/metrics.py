"""attune-infra metrics."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from attune_infra.cli._app import App
from attune_infra.cli._options import shared
from attune_infra.cli._output import tell
from attune_infra.cli._session import Session
from attune_infra.cli._staying import keep_running
from attune_infra.cli.worker._survey import DEFAULTS, MaxDepth, MaxHeartbeatAge, take_survey
from attune_infra.errors import InvalidInput, WrongUsage
from attune_infra.fleet.model import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from attune_infra.fleet.model import Fleet

app = App()

_Listen = Annotated[
    str | None,
    typer.Option(
        "--listen", metavar="HOST:PORT", help="Serve them here until stopped; each request measures again."
    ),
]


@app.command()
@shared
def metrics(
    session: Session,
    *,
    listen: _Listen = None,
    max_depth: MaxDepth = DEFAULTS.depth,
    max_heartbeat_age: MaxHeartbeatAge = DEFAULTS.heartbeat_age,
) -> None:
    """Print the state of all workers as Prometheus metrics, or serve it with --listen."""
    from attune_infra.render.pages import metrics as page
    from attune_infra.worker.metrics import measure

    address = None if listen is None else _address(listen)
    look = partial(take_survey, session, Limits(depth=max_depth, heartbeat_age=max_heartbeat_age))
    _ = session.topology  # a topology that cannot be read is an error before anything is served
    if address is not None:
        _serve(*address, look)
    session.finish("metrics", page, measure(look))


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) < 65536):  # noqa: PLR2004 # ports end
        raise WrongUsage(f"'{text}' is not an address to listen on", hint="give HOST:PORT, such as 127.0.0.1:9471")
    return host.strip("[]"), int(port)


def _serve(host: str, port: int, look: Callable[[], Fleet]) -> NoReturn:
    from prometheus_client import start_http_server

    from attune_infra.worker.metrics import collector_registry, measure_if_available

    registry = collector_registry(lambda: measure_if_available(look, tell))
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        hint = "give an address of this machine, and a port that is free"
        raise InvalidInput(f"cannot listen on {host}:{port}: {error.strerror}", hint=hint) from error
    keep_running()
    tell(f"metrics are at http://{host}:{server.server_port}/metrics")
    thread.join()
    raise typer.Exit
