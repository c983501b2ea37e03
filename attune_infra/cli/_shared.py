"""The options that whole groups of commands have; `shared` gives a command those of the things that it uses.

An option that a command has no use for is none of its options, so typing it is an error.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Flag, auto
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from attune_infra.cli._colour import When
from attune_infra.cli._deadline import bounded_by
from attune_infra.cli._display import (
    CiOutput,
    CiOutputOption,
    Colour,
    Display,
    Output,
    OutputOption,
    Quiet,
    ReportOption,
    ToFile,
    Verbose,
)
from attune_infra.cli._durations import duration_option
from attune_infra.cli._options import OneVhost, Place, Places, TopologyFile, Vhosts
from attune_infra.cli._output import show_requests
from attune_infra.cli._reports import failures_reported, read_reports
from attune_infra.cli._session import Session
from attune_infra.cli._target import Meeting
from attune_infra.cli._values import SetOption, ValuesOption
from attune_infra.errors import WrongUsage
from attune_infra.settings import (
    AMQP_URL,
    CA_FILE,
    CERT_FILE,
    CONFIG_VARIABLE,
    CONNECTION,
    DATABASE_URL,
    EXPECT_CLUSTER,
    KEY_FILE,
    MANAGEMENT_URL,
    SCHEMA,
    TOPOLOGY,
    WORKER_QUEUE_TTL,
    Setting,
    joined,
)


class Uses(Flag):
    """The things that a command uses, each of which has options."""

    DISPLAY = auto()
    """A result that is printed once."""
    RESULT = auto()
    """The same, without a file for it: the command has a `--to` of its own."""
    TOPOLOGY = auto()
    FILE = auto()
    """The topology as an argument too; not beside arguments of another kind."""
    VHOST = auto()
    """The virtual hosts of a document, or one of definitions."""
    ONE_VHOST = auto()
    """One virtual host of a document, or of definitions."""
    PLACES = auto()
    """Virtual hosts of the broker, in place of that of the AMQP URL."""
    PLACE = auto()
    """One virtual host of the broker."""
    BROKER = auto()
    REGISTRY = auto()
    CONFIG = auto()
    """The configuration file, and nothing that it names."""
    REPORTS = auto()
    """A result that CI reads too, in more formats, and in files beside the output."""
    NO_END = auto()
    """Nothing that could have a deadline: the command stays until it is stopped."""


_PANEL: Final = "Connection"


def _from(setting: Setting, metavar: str, help_text: str, *, panel: str | None = _PANEL, kind: Any = str) -> Any:
    text = f"{help_text} (environment: {setting.variable}, file: {'.'.join(setting.path)})"
    option = typer.Option(setting.flag, help=text, rich_help_panel=panel, metavar=metavar, show_default=False)
    return Annotated[kind | None, option]


def _seconds(flag: str, help_text: str, minimum: float) -> Any:
    return Annotated[float | None, duration_option(flag, about=help_text, minimum=minimum, panel=_PANEL)]


_Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help=f"YAML configuration file of the platform (environment: {CONFIG_VARIABLE}).",
        rich_help_panel=_PANEL,
    ),
]
_Timeout = _seconds("--timeout", "Longest wait for one answer: 30s, or a number of seconds; default: 10s.", 0.1)
_Wait = _seconds("--wait", "Longest wait for a server to come up: 1m, or a number of seconds; default: none.", 0)
_Deadline = _seconds(
    "--deadline", "Longest time for the whole command: 5m, or a number of seconds; default: none.", 0.1
)
_URL_HELP = "Broker: amqp://USER:PASSWORD@HOST:5672/VHOST, or amqps://; of a cluster, HOST1:PORT,HOST2:PORT."
_MANAGEMENT_URL_HELP = (
    "Management API: http(s)://HOST:15672, also with several hosts; default: the AMQP hosts and user."
)
_EXPECT_HELP = "Refuse a broker whose cluster has another name."
_TTL_HELP = "Delete worker queues unused for this long: 30m, or off."

_SETTINGS: Final = {
    "topology": (
        Uses.TOPOLOGY,
        TOPOLOGY,
        _from(
            TOPOLOGY,
            "NAME|FILE",
            "Topology: a built-in name, a file, or a folder of documents; default: attune. May repeat.",
            panel=None,
            kind=list[str],
        ),
    ),
    "worker_queue_ttl": (
        Uses.TOPOLOGY,
        WORKER_QUEUE_TTL,
        _from(WORKER_QUEUE_TTL, "DURATION|off", _TTL_HELP, panel=None),
    ),
    "connection": (
        Uses.TOPOLOGY | Uses.BROKER | Uses.REGISTRY,
        CONNECTION,
        _from(CONNECTION, "NAME", "Named connection of the configuration file: broker and registry."),
    ),
    "amqp_url": (Uses.BROKER, AMQP_URL, _from(AMQP_URL, "URL", _URL_HELP)),
    "management_url": (Uses.BROKER, MANAGEMENT_URL, _from(MANAGEMENT_URL, "URL", _MANAGEMENT_URL_HELP)),
    "expect_cluster": (
        Uses.BROKER | Uses.REGISTRY,
        EXPECT_CLUSTER,
        _from(EXPECT_CLUSTER, "NAME", _EXPECT_HELP),
    ),
    "database_url": (
        Uses.REGISTRY,
        DATABASE_URL,
        _from(DATABASE_URL, "URL", "Registry: postgresql://USER:PASSWORD@HOST:5432/DATABASE."),
    ),
    "schema": (
        Uses.REGISTRY,
        SCHEMA,
        _from(SCHEMA, "NAME", "Schema of the table of workers; default: the search path."),
    ),
    "ca_file": (Uses.BROKER, CA_FILE, _from(CA_FILE, "FILE", "CA certificates (PEM) to verify the server with.")),
    "cert_file": (
        Uses.BROKER,
        CERT_FILE,
        _from(CERT_FILE, "FILE", "Client certificate (PEM), if the server wants one."),
    ),
    "key_file": (Uses.BROKER, KEY_FILE, _from(KEY_FILE, "FILE", "Private key (PEM) of --cert-file.")),
}
"""Options that are settings: by their names in Python, the uses that have them."""

_SHOWN: Final = Uses.DISPLAY | Uses.RESULT
_EVERY: Final = _SHOWN | Uses.TOPOLOGY | Uses.BROKER | Uses.REGISTRY | Uses.CONFIG
_FILE: Final = "file"
_DEADLINE: Final = "deadline"
_OTHERS: Final[dict[str, tuple[Uses, Any, Any]]] = {
    _FILE: (Uses.FILE, TopologyFile, None),
    "pairs": (Uses.TOPOLOGY, SetOption, None),
    "values": (Uses.TOPOLOGY, ValuesOption, None),
    "config": (_EVERY & ~_SHOWN, _Config, None),
    "timeout": (Uses.BROKER | Uses.REGISTRY | Uses.CONFIG, _Timeout, None),
    "wait": (Uses.BROKER | Uses.REGISTRY, _Wait, None),
    _DEADLINE: (Uses.BROKER | Uses.REGISTRY | Uses.CONFIG, _Deadline, None),
    "vhost": (Uses.VHOST, Vhosts, None),
    "one_vhost": (Uses.ONE_VHOST, OneVhost, None),
    "places": (Uses.PLACES, Places, None),
    "place": (Uses.PLACE, Place, None),
    "output": (_SHOWN, OutputOption, Output.TEXT),
    "to": (Uses.DISPLAY, ToFile, None),
    "report": (Uses.REPORTS, ReportOption, None),
    "verbose": (_EVERY, Verbose, 0),
    "quiet": (_EVERY, Quiet, False),
    "color": (_EVERY, Colour, When.AUTO),
}


def shared(uses: Uses) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of the things that it uses. They reach it as a `Session`, its first argument."""
    return functools.partial(_give, options=_options_of(uses), make=_session)


def displayed_in_ci(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that opens nothing the options of a result that CI reads too, as a `Display`."""
    return _give(command, options=_options_of(Uses.DISPLAY | Uses.REPORTS), make=_display)


def displayed(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that opens nothing the options of its result. They reach it as a `Display`."""
    return _give(command, options=_options_of(Uses.DISPLAY), make=_display)


def _options_of(uses: Uses) -> dict[str, tuple[Any, Any]]:
    settings = {name: (kind, None) for name, (users, _, kind) in _SETTINGS.items() if users & uses}
    others = {name: (kind, default) for name, (users, kind, default) in _OTHERS.items() if users & uses}
    if uses & Uses.NO_END:
        del others[_DEADLINE]
    if uses & Uses.REPORTS:
        others["output"] = (CiOutputOption, CiOutput.TEXT)
    return settings | others


def _give(
    command: Callable[..., None], *, options: dict[str, tuple[Any, Any]], make: Callable[[dict[str, Any]], Any]
) -> Callable[..., None]:
    [_, *own] = inspect.signature(command, eval_str=True).parameters.values()
    parameters = sorted([*own, *_parameters(options)], key=lambda parameter: parameter.kind)

    @functools.wraps(command)
    def run(**given: Any) -> None:
        shared_ones = {name: given.pop(name) for name in options}
        made = make(shared_ones)
        with _guarded(_words_of(command), made, shared_ones.get(_DEADLINE)):
            command(made, **given)

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # read by inspect
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del run.__wrapped__  # inspect would look behind us
    return run


@contextmanager
def _guarded(words: str, made: Session | Display, seconds: float | None) -> Iterator[None]:
    """Report failures of a command, which may have a deadline."""
    display = made if isinstance(made, Display) else made.display
    with failures_reported(words, display), bounded_by(seconds):
        _check_places(display.to, *(each.file for each in display.reports))
        yield


def _words_of(command: Callable[..., None]) -> str:
    """Return the words that a user types for a command, by its file and its name."""
    file, name = command.__module__.rpartition(".")[2], command.__name__
    return name if file == name else f"{file} {name}"


def _parameters(options: dict[str, tuple[Any, Any]]) -> list[inspect.Parameter]:
    return [
        inspect.Parameter(
            name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD if name == _FILE else inspect.Parameter.KEYWORD_ONLY,
            annotation=annotation,
            default=default,
        )
        for name, (annotation, default) in options.items()
    ]


def _session(given: dict[str, Any]) -> Session:
    session = Session(
        flags={setting: joined(given.get(name)) for name, (_, setting, _) in _SETTINGS.items()},
        config=given.get("config"),
        given_timeout=given.get("timeout"),
        given_wait=given.get("wait"),
        has_deadline=given.get(_DEADLINE) is not None,
        display=_display(given),
        vhosts=_vhosts_of(given),
        place=_only(given, "place"),
        given_values=(tuple(given.get("pairs") or ()), tuple(given.get("values") or ())),
        met=Meeting(is_quiet=given["quiet"]),
    )
    return session.using(given.get(_FILE))


def _vhosts_of(given: dict[str, Any]) -> tuple[str, ...]:
    one = _only(given, "one_vhost")
    return tuple(given.get("vhost") or given.get("places") or ()) if one is None else (one,)


def _only(given: dict[str, Any], name: str) -> str | None:
    """Return the virtual host of an option that takes one; raise `WrongUsage` for more."""
    found: list[str] = given.get(name) or []
    if len(found) > 1:
        raise WrongUsage(f"--vhost is given {len(found)} times, and this takes one", hint="give it once")
    return found[0] if found else None


def _display(given: dict[str, Any]) -> Display:
    if given["quiet"] and given["verbose"]:
        raise WrongUsage("--quiet and --verbose are given", hint="give one of them")
    verbosity = -1 if given["quiet"] else given["verbose"]
    if verbosity > 0:
        show_requests(verbosity)
    to, reports = given.get("to"), read_reports(given.get("report") or (), given.get("to"))
    return Display(output=given.get("output", Output.TEXT), to=to, verbosity=verbosity, reports=reports)


def _check_places(*files: Path | None) -> None:
    """Raise `NotWritten` before anything is done, if a result would find no place."""
    for file in files:
        if file is not None:
            from attune_infra.cli._files import check_place

            check_place(file)
