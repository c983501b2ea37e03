"""A dashboard for a document: a panel for each metric, with thresholds from the arguments of its queues."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import ClassVar, Final

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode
from attune_infra.fleet.alerts import CERTIFICATE_DAYS, FULL, matchers_of, max_length
from attune_infra.fleet.model import Limits
from attune_infra.topology.model import Topology
from attune_infra.topology.policy import effective_arguments

WIDTH: Final = 24
"""Columns of a dashboard."""
_MAX_SHARES: Final = 50
"""Queues in one panel, at most."""


_CHOSEN: Final = ('cluster=~"$cluster"', 'vhost=~"$vhost"')


class Kind(StrEnum):
    """The kinds of panels."""

    STAT = "stat"
    TIME_SERIES = "timeseries"
    TABLE = "table"
    BAR_GAUGE = "bargauge"


@dataclass(frozen=True, slots=True)
class Query:
    """An expression, and the name of each of its series."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture. `thresholds` are the values from which on a colour is used; `values` names some numbers.

    Without thresholds the colours say nothing.
    """

    title: str
    description: str
    kind: Kind
    queries: tuple[Query, ...]
    unit: str = "short"
    thresholds: Mapping[float, str] | None = None
    values: Mapping[int, tuple[str, str]] | None = None
    """The word and the colour of a number."""
    width: int = 12
    height: int = 8
    x: int = 0
    y: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """All panels for a document."""

    exit_code: ClassVar[ExitCode] = ExitCode.DONE

    document: str
    panels: tuple[Panel, ...]


def dashboard(topology: Topology, limits: Limits) -> Dashboard:
    """Return the dashboard for a document; panels of workers only if it has workers."""
    panels = _panels(_shares(topology), limits, has_workers=topology.workers is not None)
    return Dashboard(document=topology.name, panels=tuple(_placed(panels)))


def dashboard_of_several(name: str, topologies: Mapping[str, Topology], limits: Limits) -> Dashboard:
    """Return the dashboard for a document of several virtual hosts; names of series begin with theirs."""
    shares = (share for vhost, each in topologies.items() for share in _shares(each, vhost))
    has_workers = any(each.workers is not None for each in topologies.values())
    panels = (
        replace(panel, queries=tuple(_naming_vhost(query) for query in panel.queries))
        for panel in _panels(shares, limits, has_workers=has_workers)
    )
    return Dashboard(document=name, panels=tuple(_placed(panels)))


def _naming_vhost(query: Query) -> Query:
    return replace(query, legend=f"{{{{vhost}}}} {query.legend}") if query.legend else query


def _panels(shares: Iterable[Query], limits: Limits, *, has_workers: bool) -> Iterator[Panel]:
    yield from (*_states(), *_of_topology(), *_of_queues(shares))
    if has_workers:
        yield from (*_worker_states(), *_of_workers(limits))


def _of(name: str, *matchers: str) -> str:
    """Return a selector of the chosen clusters and virtual hosts; `All` matches metrics without these labels."""
    return f"{name}{{{', '.join((*_CHOSEN, *matchers))}}}"


_ANSWERS: Final = {0: ("unavailable", "red"), 1: ("available", "green")}
_MATCHES: Final = {0: ("problems", "red"), 1: ("ok", "green")}
_NONE_IS_GOOD: Final = {0.0: "green", 1.0: "red"}


def _stat(title: str, description: str, expr: str) -> Panel:
    return Panel(title=title, description=description, kind=Kind.STAT, queries=(Query(expr),), width=4, height=4)


def _states() -> Iterator[Panel]:
    up = _stat("Available", "1 if the broker and the registry answered.", f"min({_of('attune_up')})")
    yield replace(up, values=_ANSWERS)
    broker = _stat("Broker", "1 if the broker answered.", f"min({_of('attune_broker_up')})")
    yield replace(broker, values=_ANSWERS)
    verified = _stat(
        "Topology", "Result of `attune-infra verify`.", f"min({_of('attune_topology_verify_success')})"
    )
    yield replace(verified, values=_MATCHES)
    age = f"time() - min({_of('attune_topology_verify_timestamp_seconds')})"
    yield replace(
        _stat("Last verify", "Time since the last `verify` that was possible.", age),
        unit="s",
        thresholds={0.0: "green", 900.0: "yellow", 3600.0: "red"},
    )
    letters = _stat(
        "Dead letters", "Messages in dead letter queues.", f"sum({_of('attune_dead_letter_messages')})"
    )
    yield replace(letters, thresholds=_NONE_IS_GOOD)
    days = f"(min({_of('attune_certificate_expiry_timestamp_seconds')}) - time()) / 86400"
    yield replace(
        _stat("Certificates", "Days until the first certificate expires.", days),
        unit="d",
        thresholds={-1e6: "red", 3.0: "orange", float(CERTIFICATE_DAYS): "green"},
    )


def _series(title: str, description: str, expr: str, legend: str, unit: str = "short") -> Panel:
    return Panel(
        title=title, description=description, kind=Kind.TIME_SERIES, queries=(Query(expr, legend),), unit=unit
    )


def _of_topology() -> Iterator[Panel]:
    text = "Objects that differ from the document. `attune-infra diff` lists them."
    drift = _series("Drift", text, f"{_of('attune_drift_objects')} > 0", "{{kind}} {{change}}")
    yield replace(drift, thresholds=_NONE_IS_GOOD)
    text = "Checks of `attune-infra verify` by result."
    yield _series("Checks", text, _of("attune_topology_checks"), "{{result}}")
    yield _series("Queues", "Queues of the virtual host by owner.", _of("attune_queues"), "{{owner}}")
    down = _series("Queues that are down", "By owner; a node may be down.", _of("attune_queues_down"), "{{owner}}")
    yield replace(down, thresholds=_NONE_IS_GOOD)
    expr = _of("attune_queues_without_consumers")
    yield _series("Queues without consumers", "By owner.", expr, "{{owner}}")


def _of_queues(shares: Iterable[Query]) -> Iterator[Panel]:
    shown = tuple(shares)[:_MAX_SHARES]
    if shown:
        text = "Ready messages as a share of x-max-length."
        yield Panel(
            title="Full queues",
            description=text,
            kind=Kind.BAR_GAUGE,
            queries=shown,
            unit="percentunit",
            thresholds={0.0: "green", FULL: "orange", 1.0: "red"},
        )
    of = "the queues of the document"
    for title, text, name, unit in (
        ("Ready messages", f"Ready messages in {of}.", "messages_ready", "short"),
        ("Unacknowledged messages", f"Delivered by {of}.", "messages_unacknowledged", "short"),
        ("Consumers", f"Consumers of {of}.", "consumers", "short"),
        ("Oldest messages", f"Age of the first message in {of}.", "oldest_message_age_seconds", "s"),
    ):
        yield _series(title, text, f"topk(20, {_of(f'attune_queue_{name}')})", "{{queue}}", unit)
    rate = f"topk(20, rate({_of('attune_queue_redelivered_total')}[5m]))"
    yield _series("Redelivered messages", f"Messages that {of} delivered again.", rate, "{{queue}}", "cps")
    letters = _of("attune_dead_letter_messages")
    yield _series("Dead letters by queue", "Messages in dead letter queues.", letters, "{{queue}}")
    age = _of("attune_dead_letter_oldest_age_seconds")
    yield _series("Oldest dead letters", "Age since they were published.", age, "{{queue}}", "s")


def _shares(topology: Topology, vhost: str | None = None) -> Iterator[Query]:
    for queue in sorted(topology.queues.values(), key=lambda queue: queue.name):
        most = max_length(effective_arguments(queue, topology))
        if most is not None and not queue.external:
            selected = _of("attune_queue_messages_ready", *matchers_of(queue, vhost))
            yield Query(f"{selected} / {most}", "{{queue}}")


def _worker_states() -> Iterator[Panel]:
    registry = _stat("Registry", "1 if the registry answered.", f"min({_of('attune_registry_up')})")
    yield replace(registry, values=_ANSWERS)
    healthy = _stat(
        "Workers", "Result of `attune-infra worker verify --all`.", f"min({_of('attune_verify_success')})"
    )
    yield replace(healthy, values=_MATCHES)
    text = (
        "Queues of workers that are inactive or not registered. `attune-infra worker prune --dry-run` lists them."
    )
    orphans = _stat("Orphaned queues", text, f"sum({_of('attune_worker_orphaned_queues')})")
    yield replace(orphans, thresholds=_NONE_IS_GOOD)
    text = "Seconds of one measurement. Each scrape makes one."
    took = _stat("Duration", text, f"max({_of('attune_verify_duration_seconds')})")
    yield replace(took, unit="s", width=12, thresholds={0.0: "green", 5.0: "orange", 10.0: "red"})


def _of_workers(limits: Limits) -> Iterator[Panel]:
    legend = "{{name}} ({{worker_id}})"
    text = "Status of each worker in the registry."
    yield _series("Workers by status", text, _of("attune_workers"), "{{status}}")
    text = "Workers for each finding of `attune-infra worker verify`. docs/workers.md explains the findings."
    yield _series("Workers by finding", text, f"{_of('attune_worker_findings')} > 0", "{{finding}}")
    text = "The ten workers with the oldest heartbeat."
    oldest = f"topk(10, {_of('attune_worker_heartbeat_age_seconds')})"
    limit = {0.0: "green", limits.heartbeat_age: "red"}
    yield replace(_series("Oldest heartbeats", text, oldest, legend, "s"), thresholds=limit)
    text = "The ten workers with the most ready messages in their queues."
    ready = f"topk(10, {_of('attune_worker_queue_messages_ready')})"
    limit = {0.0: "green", float(limits.depth): "red"}
    yield replace(_series("Most ready messages", text, ready, legend), thresholds=limit)
    text = "The ten workers with the most messages delivered and not yet acknowledged."
    held = f"topk(10, {_of('attune_worker_queue_messages_unacknowledged')})"
    yield _series("Most unacknowledged messages", text, held, legend)
    yield _table(
        "Workers without exactly one consumer",
        "A worker's queue should have one consumer: the worker itself.",
        f"{_of('attune_worker_queue_consumers')} != 1",
    )
    yield _table(
        "Workers not provisioned or not healthy",
        "`attune-infra worker verify --all` gives the reasons.",
        f"{_of('attune_worker_provisioned')} == 0 or {_of('attune_worker_healthy')} == 0",
    )


def _table(title: str, description: str, expr: str) -> Panel:
    return Panel(title=title, description=description, kind=Kind.TABLE, queries=(Query(expr),))


def _placed(panels: Iterable[Panel]) -> Iterator[Panel]:
    """Yield the panels with their places: row by row, each row as high as its highest panel."""
    x = y = height = 0
    for panel in panels:
        if x + panel.width > WIDTH or (height and panel.height != height):
            x, y, height = 0, y + height, 0
        yield replace(panel, x=x, y=y)
        x, height = x + panel.width, max(height, panel.height)
