"""Options that several commands share, as named types; `shared` gives a command all that every one has."""

from __future__ import annotations

import functools
import inspect
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

ViaOption = Annotated[Via, typer.Option("--via", help="Declare over this protocol; policies always go over HTTP.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")]
TopologyFile = Annotated[
    str | None, typer.Argument(metavar="[FILE]", help="The same as --topology FILE.", show_default=False)
]
Prune = Annotated[
    bool, typer.Option("--prune", help="Also delete what nobody declared, inside the names the document manages.")
]
Workers = Annotated[
    list[str] | None,
    typer.Option("--worker", metavar="ID", help="This worker too, or these: 7, 1-20. May repeat."),
]

_CONNECTION = "Connection"


def _from(setting: Setting, help_text: str, panel: str | None = _CONNECTION, metavar: str | None = None) -> Any:
    text = f"{help_text} (environment: {setting.variable}, file: {'.'.join(setting.path)})"
    return typer.Option(setting.flag, help=text, rich_help_panel=panel, metavar=metavar, show_default=False)


_SHARED: dict[str, tuple[Any, Any]] = {
    "output": (
        Annotated[Output, typer.Option("--output", "-o", help="How to print the result.")],
        Output.TEXT,
    ),
    "topology": (
        Annotated[
            str | None,
            _from(TOPOLOGY, "One built in, or a file; by default attune.", panel=None, metavar="NAME|FILE"),
        ],
        None,
    ),
    "worker_queue_ttl": (
        Annotated[
            str | None,
            _from(
                WORKER_QUEUE_TTL, "When unused worker queues go: 30m, or off.", panel=None, metavar="DURATION|off"
            ),
        ],
        None,
    ),
    "amqp_url": (
        Annotated[str | None, _from(AMQP_URL, "amqp://USER:PASSWORD@HOST:5672/VHOST, or amqps://.")],
        None,
    ),
    "management_url": (
        Annotated[
            str | None,
            _from(MANAGEMENT_URL, "http(s)://HOST:15672; by default beside AMQP, with the same user."),
        ],
        None,
    ),
    "database_url": (
        Annotated[str | None, _from(DATABASE_URL, "postgresql://USER:PASSWORD@HOST:5432/DATABASE.")],
        None,
    ),
    "schema": (
        Annotated[str | None, _from(SCHEMA, "The schema of the table of workers; by default the search path's.")],
        None,
    ),
    "config": (
        Annotated[
            Path | None,
            typer.Option("--config", help="The platform's YAML configuration.", rich_help_panel=_CONNECTION),
        ],
        None,
    ),
    "timeout": (
        Annotated[
            float,
            typer.Option(
                "--timeout", min=0.1, help="Seconds to wait for one answer.", rich_help_panel=_CONNECTION
            ),
        ],
        DEFAULT_TIMEOUT,
    ),
    "wait": (
        Annotated[
            float,
            typer.Option(
                "--wait", min=0, help="Seconds to wait for a server to come up.", rich_help_panel=_CONNECTION
            ),
        ],
        0.0,
    ),
    "ca_file": (Annotated[str | None, _from(CA_FILE, "Whom to trust, for amqps:// and https://.")], None),
    "cert_file": (Annotated[str | None, _from(CERT_FILE, "Our own certificate, if one is asked for.")], None),
    "key_file": (Annotated[str | None, _from(KEY_FILE, "Its key.")], None),
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
