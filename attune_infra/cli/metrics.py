"""attune-infra metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from attune_infra.cli._app import App
from attune_infra.cli._log import LogFormat, LogFormatOption, read_address, use_log
from attune_infra.cli._output import tell
from attune_infra.cli._session import Session
from attune_infra.cli._shared import Uses, shared
from attune_infra.cli._staying import hold_stop_signals, keep_running
from attune_infra.cli.worker._survey import DEFAULTS, MaxDepth, MaxHeartbeatAge
from attune_infra.errors import WrongUsage
from attune_infra.fleet.model import Limits
from attune_infra.links import RUNBOOK_URL
from attune_infra.settings import DATABASE_URL, SCHEMA, Via

if TYPE_CHECKING:
    from attune_infra.worker.metrics import Meter, Meters

app = App()

_Listen = Annotated[
    str | None,
    typer.Option(
        "--listen",
        metavar="HOST:PORT",
        help="Serve /metrics, /healthz and /readyz here until stopped; each request to /metrics measures again.",
    ),
]
_Rules = Annotated[
    bool, typer.Option("--rules", help="Write Prometheus' alert rules for the topology; asks no broker.")
]
_Dashboard = Annotated[
    bool, typer.Option("--dashboard", help="Write a Grafana dashboard for the topology; asks no broker.")
]
_Runbook = Annotated[
    str | None,
    typer.Option(
        "--runbook",
        metavar="URL",
        help="Page that the alerts of --rules link to; default: the page of this project.",
        show_default=False,
    ),
]


@app.command()
@shared(Uses.DISPLAY | Uses.TOPOLOGY | Uses.FILE | Uses.VHOST | Uses.BROKER | Uses.REGISTRY)
def metrics(
    session: Session,
    *,
    listen: _Listen = None,
    rules: _Rules = False,
    dashboard: _Dashboard = False,
    runbook: _Runbook = None,
    max_depth: MaxDepth = DEFAULTS.depth,
    max_heartbeat_age: MaxHeartbeatAge = DEFAULTS.heartbeat_age,
    log_format: LogFormatOption = None,
) -> None:
    """Print metrics of the broker and of all workers for Prometheus, or serve them with --listen."""
    limits = Limits(depth=max_depth, heartbeat_age=max_heartbeat_age)
    _refuse_unused(
        session, listen=listen, rules=rules, dashboard=dashboard, runbook=runbook, log_format=log_format
    )
    if rules:
        _write_rules(session, limits, runbook or RUNBOOK_URL)
    if dashboard:
        _write_dashboard(session, limits)
    if listen is not None:
        session.refuse_deadline("--listen")
        _serve(session, limits, listen, log_format)
    _print(session, limits)


def _refuse_unused(
    session: Session,
    *,
    listen: str | None,
    rules: bool,
    dashboard: bool,
    runbook: str | None,
    log_format: LogFormat | None,
) -> None:
    """Raise `WrongUsage` for options that do not go together."""
    ways = [
        flag for flag, given in (("--listen", listen), ("--rules", rules), ("--dashboard", dashboard)) if given
    ]
    if len(ways) > 1:
        raise WrongUsage(f"{ways[0]} and {ways[1]} are given", hint="run the command once for each")
    if runbook is not None and not rules:
        raise WrongUsage("--runbook is about the alerts of --rules", hint="leave it out, or add --rules")
    if log_format is not None and listen is None:
        raise WrongUsage("--log-format is about --listen", hint="leave it out, or add --listen HOST:PORT")
    if rules or dashboard:
        _refuse_servers(session, ways[0])


def _refuse_servers(session: Session, flag: str) -> None:
    """Raise `WrongUsage` for an option about a server beside one that asks none."""
    session.refuse_broker_options(why=f"{flag} asks no broker", alternative=f"leave out {flag}")
    for setting in (DATABASE_URL, SCHEMA):
        if session.flags.get(setting):
            hint = f"leave out {setting.flag}, or leave out {flag}"
            raise WrongUsage(f"{setting.flag} is about the registry, and {flag} asks none", hint=hint)


def _write_rules(session: Session, limits: Limits, runbook: str) -> NoReturn:
    from attune_infra.fleet.alerts import alert_rules, alert_rules_of_several
    from attune_infra.render.pages import alerts as page

    if (several := session.several()) is None:
        session.finish("metrics-rules", page, alert_rules(session.topology, limits, runbook=runbook))
    name, topologies = session.whole.topology.name, {str(each.place): each.topology for each in several}
    rules = alert_rules_of_several(name, topologies, limits, runbook=runbook)
    session.finish("metrics-rules", page, rules)


def _write_dashboard(session: Session, limits: Limits) -> NoReturn:
    from attune_infra.fleet.dashboard import dashboard, dashboard_of_several
    from attune_infra.render.pages import dashboard as page

    if (several := session.several()) is None:
        session.finish("metrics-dashboard", page, dashboard(session.topology, limits))
    name, topologies = session.whole.topology.name, {str(each.place): each.topology for each in several}
    session.finish("metrics-dashboard", page, dashboard_of_several(name, topologies, limits))


def _print(session: Session, limits: Limits) -> NoReturn:
    from attune_infra.render.pages import metrics as page

    session.finish("metrics", page, _meter(session, limits).measure())


def _serve(session: Session, limits: Limits, listen: str, log_format: LogFormat | None) -> NoReturn:
    from attune_infra.worker.endpoints import Endpoints, serve
    from attune_infra.worker.metrics import metrics_app

    host, port = read_address(listen)
    use_log(log_format)
    meter, wait_for_stop = _meter(session, limits), hold_stop_signals()
    used = serve(host, port, Endpoints(meter.check_ready, {"/metrics": metrics_app(meter)}))
    keep_running()
    tell(f"metrics are at http://{host}:{used}/metrics")
    wait_for_stop()
    raise typer.Exit


def _meter(session: Session, limits: Limits) -> Meter | Meters:
    """Return the meter of one virtual host, or those of several, which read again and share no answers."""
    from attune_infra.worker.metrics import Meters

    if (several := session.several()) is not None:
        names = [str(each.place) for each in several]
        return Meters({name: _meter_of(session.within(name), limits) for name in names})
    return _meter_of(session.with_reading(), limits)


def _meter_of(session: Session, limits: Limits) -> Meter:
    from attune_infra.broker.doctor.certificates import expiries
    from attune_infra.worker.metrics import Meter, Sources

    want, registry = session.topology, None  # a topology that cannot be read is an error before anything is served
    if want.workers is not None and session.settings.database_url is None:
        tell(f"no database is configured ({DATABASE_URL.flag}), so the metrics of workers are left out")
    elif want.workers is not None:
        registry = session.registry
    sources = Sources(
        broker=lambda: session.broker(Via.HTTP),
        registry=registry,
        certificates=lambda: expiries(session.settings),
    )
    return Meter(sources, want, limits, tell)
