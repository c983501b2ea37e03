"""attune-infra metrics."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from attune_infra.cli._app import App
from attune_infra.cli._options import shared
from attune_infra.cli._output import tell
from attune_infra.cli._session import Session
from attune_infra.cli.worker._limits import DEFAULTS, MaxDepth, MaxHeartbeatAge
from attune_infra.errors import InvalidInput, WrongUsage
from attune_infra.fleet.fleet import Fleet, Limits
from attune_infra.settings import Via

if TYPE_CHECKING:
    from collections.abc import Callable

app = App()

_Listen = Annotated[
    str | None,
    typer.Option("--listen", metavar="HOST:PORT", help="Serve them there until stopped, anew for each request."),
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
    """Print the state of all workers as Prometheus text, for a textfile collector, or serve it."""
    from attune_infra.worker.metrics import measured

    limits, want = Limits(depth=max_depth, heartbeat_age=max_heartbeat_age), session.topology
    address = None if listen is None else _address(listen)

    def look() -> Fleet:
        from attune_infra.worker.fleet import survey

        with session.registry() as registry, session.broker(Via.HTTP) as broker:
            return survey(broker, registry, want, limits)

    if address is not None:
        _serve(*address, look)
    session.finish("metrics", measured(look))


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) < 65536):  # noqa: PLR2004 # ports end
        raise WrongUsage(f"'{text}' is no address to listen on", hint="give HOST:PORT, such as 127.0.0.1:9471")
    return host.strip("[]"), int(port)


def _serve(host: str, port: int, look: Callable[[], Fleet]) -> NoReturn:
    from prometheus_client import start_http_server

    from attune_infra.render.pages.metrics import registry_of
    from attune_infra.worker.metrics import measured_if_possible

    try:
        server, thread = start_http_server(port, host, registry_of(lambda: measured_if_possible(look, tell)))
    except OSError as error:
        raise InvalidInput(
            f"cannot listen on {host}:{port}: {error.strerror}",
            hint="give an address of this machine, and a port on which nobody listens",
        ) from error
    gc.enable()  # this command stays
    tell(f"metrics are at http://{host}:{server.server_port}/metrics")
    thread.join()
    raise typer.Exit
