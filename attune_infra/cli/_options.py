"""Options of several commands, as named types; the decorator `shared` adds those that every command has."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from attune_infra.cli._output import Output
from attune_infra.cli._session import Session
from attune_infra.settings import (
    AMQP_URL,
    CA_FILE,
    CERT_FILE,
    CONFIG_VARIABLE,
    CONNECTION,
    DATABASE_URL,
    DEFAULT_TIMEOUT,
    EXPECT_CLUSTER,
    KEY_FILE,
    MANAGEMENT_URL,
    SCHEMA,
    TOPOLOGY,
    WORKER_QUEUE_TTL,
    Setting,
    Via,
)

OutputOption = Annotated[Output, typer.Option("--output", "-o", help="Format of the result.")]
Vhost = Annotated[
    str | None, typer.Option("--vhost", metavar="NAME", help="Virtual host to read, if definitions hold several.")
]
ViaOption = Annotated[Via, typer.Option("--via", help="Protocol to declare with; policies always go over HTTP.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the changes without making them.")]
TopologyFile = Annotated[
    str | None, typer.Argument(metavar="FILE", help="The same as --topology FILE.", show_default=False)
]
Live = Annotated[bool, typer.Option("--live", help="Use the topology of the broker instead of a document.")]
ToFile = Annotated[Path | None, typer.Option("--to", metavar="FILE", help="File to write, whole or not at all.")]
Prune = Annotated[
    bool, typer.Option("--prune", help="Also delete undeclared objects whose names the document manages.")
]
Workers = Annotated[
    list[str] | None,
    typer.Option(
        "--worker", metavar="ID", help="Include the objects of worker ID, or of a range: 7, 1-20. May repeat."
    ),
]

_CONNECTION = "Connection"


def _from(setting: Setting, metavar: str, help_text: str, panel: str | None = _CONNECTION) -> Any:
    text = f"{help_text} (environment: {setting.variable}, file: {'.'.join(setting.path)})"
    option = typer.Option(setting.flag, help=text, rich_help_panel=panel, metavar=metavar, show_default=False)
    return Annotated[str | None, option]


def _seconds(flag: str, help_text: str, minimum: float) -> Any:
    option = typer.Option(
        flag,
        metavar="SECONDS",
        min=minimum,
        help=help_text,
        rich_help_panel=_CONNECTION,
        callback=require_finite,
    )
    return Annotated[float, option]


def require_finite(seconds: float) -> float:
    """Return seconds; raise `BadParameter` if they are infinite or not a number. A callback for options."""
    if not math.isfinite(seconds):
        raise typer.BadParameter(f"{seconds} is not a finite number of seconds")
    return seconds


_Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help=f"YAML configuration file of the platform (environment: {CONFIG_VARIABLE}).",
        rich_help_panel=_CONNECTION,
    ),
]
_URL_HELP = "Broker: amqp://USER:PASSWORD@HOST:5672/VHOST, or amqps://."
_MANAGEMENT_URL_HELP = "Management API: http(s)://HOST:15672; default: the AMQP host and user."
_SHARED: dict[str, tuple[Any, Any]] = {
    "output": (OutputOption, Output.TEXT),
    "topology": (
        _from(TOPOLOGY, "NAME|FILE", "Topology: a built-in name or a file; default: attune.", panel=None),
        None,
    ),
    "worker_queue_ttl": (
        _from(
            WORKER_QUEUE_TTL, "DURATION|off", "Delete worker queues unused for this long: 30m, or off.", panel=None
        ),
        None,
    ),
    "connection": (
        _from(CONNECTION, "NAME", "Named connection of the configuration file: broker and registry."),
        None,
    ),
    "amqp_url": (_from(AMQP_URL, "URL", _URL_HELP), None),
    "management_url": (_from(MANAGEMENT_URL, "URL", _MANAGEMENT_URL_HELP), None),
    "expect_cluster": (_from(EXPECT_CLUSTER, "NAME", "Refuse a broker whose cluster has another name."), None),
    "database_url": (_from(DATABASE_URL, "URL", "Registry: postgresql://USER:PASSWORD@HOST:5432/DATABASE."), None),
    "schema": (_from(SCHEMA, "NAME", "Schema of the table of workers; default: the search path."), None),
    "config": (_Config, None),
    "timeout": (_seconds("--timeout", "Seconds to wait for one answer.", 0.1), DEFAULT_TIMEOUT),
    "wait": (_seconds("--wait", "Seconds to wait for a server to come up.", 0), 0.0),
    "ca_file": (_from(CA_FILE, "FILE", "CA certificates (PEM) to verify the server with."), None),
    "cert_file": (_from(CERT_FILE, "FILE", "Client certificate (PEM), if the server wants one."), None),
    "key_file": (_from(KEY_FILE, "FILE", "Private key (PEM) of --cert-file."), None),
}
_SETTINGS = {
    "topology": TOPOLOGY,
    "worker_queue_ttl": WORKER_QUEUE_TTL,
    "connection": CONNECTION,
    "amqp_url": AMQP_URL,
    "expect_cluster": EXPECT_CLUSTER,
    "management_url": MANAGEMENT_URL,
    "database_url": DATABASE_URL,
    "schema": SCHEMA,
    "ca_file": CA_FILE,
    "cert_file": CERT_FILE,
    "key_file": KEY_FILE,
}


def shared(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that all have. They reach it as a `Session`, its first argument."""
    return _give(command, _SHARED)


def shared_with_vhost(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that all have, and --vhost, which its `Session` holds too."""
    return _give(command, {**_SHARED, "vhost": (Vhost, None)})


def _give(command: Callable[..., None], options: dict[str, tuple[Any, Any]]) -> Callable[..., None]:
    [_, *own] = inspect.signature(command, eval_str=True).parameters.values()
    parameters = [*own, *_parameters(options)]

    @functools.wraps(command)
    def run(**given: Any) -> None:
        mine = {name: given.pop(name) for name in options}
        command(_session(mine), **given)

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # read by inspect
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del run.__wrapped__  # inspect would look behind us
    return run


def _parameters(options: dict[str, tuple[Any, Any]]) -> list[inspect.Parameter]:
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
        for name, (annotation, default) in options.items()
    ]


def _session(given: dict[str, Any]) -> Session:
    return Session(
        flags={setting: given[name] for name, setting in _SETTINGS.items()},
        config=given["config"],
        timeout=given["timeout"],
        wait=given["wait"],
        output=given["output"],
        vhost=given.get("vhost"),
    )
