"""Options that several commands share, as named types; `shared` gives a command all that every one has."""

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
    DATABASE_URL,
    DEFAULT_TIMEOUT,
    KEY_FILE,
    MANAGEMENT_URL,
    SCHEMA,
    TOPOLOGY,
    WORKER_QUEUE_TTL,
    Setting,
    Via,
)

OutputOption = Annotated[Output, typer.Option("--output", "-o", help="How to print the result.")]
Vhost = Annotated[
    str | None, typer.Option("--vhost", metavar="NAME", help="Which virtual host, if definitions hold several.")
]
ViaOption = Annotated[Via, typer.Option("--via", help="Declare over this protocol; policies always go over HTTP.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")]
TopologyFile = Annotated[
    str | None, typer.Argument(metavar="FILE", help="The same as --topology FILE.", show_default=False)
]
Live = Annotated[bool, typer.Option("--live", help="What the broker holds, instead of a document.")]
ToFile = Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Write this file, whole or not at all.")]
Prune = Annotated[
    bool, typer.Option("--prune", help="Also delete what nobody declared, inside the names the document manages.")
]
Workers = Annotated[
    list[str] | None,
    typer.Option("--worker", metavar="ID", help="This worker too, or these: 7, 1-20. May repeat."),
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
        callback=finite,
    )
    return Annotated[float, option]


def finite(seconds: float) -> float:
    """Refuse what is no number, or no end: a callback for options that are seconds."""
    if not math.isfinite(seconds):
        raise typer.BadParameter(f"{seconds} is no number of seconds")
    return seconds


_Config = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="The platform's YAML configuration.", rich_help_panel=_CONNECTION
    ),
]
_URL_HELP = "amqp://USER:PASSWORD@HOST:5672/VHOST, or amqps://."
_MANAGEMENT_URL_HELP = "http(s)://HOST:15672; by default beside AMQP, with the same user."
_SHARED: dict[str, tuple[Any, Any]] = {
    "output": (OutputOption, Output.TEXT),
    "topology": (_from(TOPOLOGY, "NAME|FILE", "One built in, or a file; by default attune.", panel=None), None),
    "worker_queue_ttl": (
        _from(WORKER_QUEUE_TTL, "DURATION|off", "When unused worker queues go: 30m, or off.", panel=None),
        None,
    ),
    "amqp_url": (_from(AMQP_URL, "URL", _URL_HELP), None),
    "management_url": (_from(MANAGEMENT_URL, "URL", _MANAGEMENT_URL_HELP), None),
    "database_url": (_from(DATABASE_URL, "URL", "postgresql://USER:PASSWORD@HOST:5432/DATABASE."), None),
    "schema": (_from(SCHEMA, "NAME", "The schema of the table of workers; by default the search path's."), None),
    "config": (_Config, None),
    "timeout": (_seconds("--timeout", "How long to wait for one answer.", 0.1), DEFAULT_TIMEOUT),
    "wait": (_seconds("--wait", "How long to wait for a server to come up.", 0), 0.0),
    "ca_file": (_from(CA_FILE, "FILE", "Whom to trust, for amqps:// and https://."), None),
    "cert_file": (_from(CERT_FILE, "FILE", "Our own certificate, if one is asked for."), None),
    "key_file": (_from(KEY_FILE, "FILE", "Its key."), None),
}
_SETTINGS = {
    "topology": TOPOLOGY,
    "worker_queue_ttl": WORKER_QUEUE_TTL,
    "amqp_url": AMQP_URL,
    "management_url": MANAGEMENT_URL,
    "database_url": DATABASE_URL,
    "schema": SCHEMA,
    "ca_file": CA_FILE,
    "cert_file": CERT_FILE,
    "key_file": KEY_FILE,
}


def shared(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that all have; it gets a `Session` made of them as its first argument."""
    [_, *own] = inspect.signature(command, eval_str=True).parameters.values()
    parameters = [*own, *_shared_parameters()]

    @functools.wraps(command)
    def run(**given: Any) -> None:
        mine = {name: given.pop(name) for name in _SHARED}
        command(_session(mine), **given)

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # read by inspect
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del run.__wrapped__  # inspect would look behind us
    return run


def _shared_parameters() -> list[inspect.Parameter]:
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
        for name, (annotation, default) in _SHARED.items()
    ]


def _session(given: dict[str, Any]) -> Session:
    return Session(
        flags={setting: given[name] for name, setting in _SETTINGS.items()},
        config=given["config"],
        timeout=given["timeout"],
        wait=given["wait"],
        output=given["output"],
    )
