"""Measure for Prometheus: once, or at each of its requests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.registry import Collector

from attune_infra.dataclass import dataclass
from attune_infra.errors import AttuneError
from attune_infra.fleet.health import examine
from attune_infra.fleet.inspection import SeenBroker, inspect
from attune_infra.fleet.metrics import LastVerify, Measurement, Measurements
from attune_infra.fleet.model import Limits, Member
from attune_infra.interfaces import MeasuredBroker, WorkerRegistry
from attune_infra.render.pages.metrics import families
from attune_infra.topology.model import Severity, Topology
from attune_infra.worker.log import Tell
from attune_infra.worker.survey import sight_broker

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from prometheus_client.core import Metric

_MAX_CERTIFICATE_AGE: Final = 600.0
"""Seconds for which the times of certificates are kept: reading them opens a connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The ways to the broker, to the registry if there is one, and to the certificates by their names."""

    broker: Callable[[], AbstractContextManager[MeasuredBroker]]
    registry: Callable[[], AbstractContextManager[WorkerRegistry]] | None
    certificates: Callable[[], Iterable[tuple[str, Callable[[], datetime]]]]


class Meter:
    """Takes measurements; remembers the last verify and, for ten minutes, the certificates.

    `tell` gets the reason when a part becomes unavailable, and a sentence when it is back.
    """

    def __init__(self, sources: Sources, want: Topology, limits: Limits, tell: Tell) -> None:
        self._sources, self._want, self._limits, self._tell = sources, want, limits, tell
        self._verified: LastVerify | None = None
        self._certificates: Mapping[str, float] = {}
        self._certificates_until = 0.0
        self._troubles: dict[str, str] = {}

    def measure(self) -> Measurement:
        """Measure everything; raise `BrokerError` or `RegistryError` if one of them is unavailable."""
        began = time.monotonic()
        seen = self._look_at_broker()  # first, so that a worker that registers and then declares is in both
        return self._join(began, seen, self._read_members())

    def measure_if_available(self) -> Measurement:
        """Measure the parts that are available; tell the reason for which another is not."""
        began, seen, members = time.monotonic(), None, None
        with self._telling("the broker"):
            seen = self._look_at_broker()
        with self._telling("the registry"):
            members = self._read_members()
        return self._join(began, seen, members)

    def check_ready(self) -> None:
        """Return None if broker and registry answer; raise `BrokerError` or `RegistryError` otherwise."""
        with self._sources.broker() as broker:
            broker.check_http()
        if self._sources.registry is not None:
            with self._sources.registry():
                pass

    def _look_at_broker(self) -> SeenBroker:
        with self._sources.broker() as broker:
            return SeenBroker(
                version=broker.check_http(),
                sighting=sight_broker(broker),
                statistics=broker.statistics(self._want.queues),
                now=time.time(),
            )

    def _read_members(self) -> Mapping[int, Member] | None:
        if self._sources.registry is None:
            return None
        with self._sources.registry() as registry:
            return registry.workers()

    def _join(self, began: float, seen: SeenBroker | None, members: Mapping[int, Member] | None) -> Measurement:
        fleet = inspection = None
        if seen is not None:
            inspection = inspect(seen, self._want)
            self._verified = LastVerify(seen.now, inspection.checks)
            if members is not None:
                fleet = examine(replace(seen.sighting, members=members), self._want, self._limits)
        return Measurement(
            fleet,
            time.monotonic() - began,
            inspection=inspection,
            certificates=self._read_certificates(),
            verified=self._verified,
            has_registry=self._sources.registry is not None,
            registry_answers=members is not None,
        )

    def _read_certificates(self) -> Mapping[str, float]:
        if time.monotonic() >= self._certificates_until:
            found: dict[str, float] = {}
            for name, expiry in self._sources.certificates():
                with self._telling(f"the certificate '{name}'"):
                    found[name] = expiry().timestamp()
            self._certificates, self._certificates_until = found, time.monotonic() + _MAX_CERTIFICATE_AGE
        return self._certificates

    @contextmanager
    def _telling(self, part: str) -> Iterator[None]:
        """Tell when the trouble of a part begins, changes or ends, not at every measurement."""
        trouble = ""
        try:
            yield
        except AttuneError as error:
            trouble = error.sentence
        if trouble != self._troubles.get(part, ""):
            self._tell(trouble or f"{part} is available again", Severity.WARNING if trouble else Severity.INFO)
        self._troubles[part] = trouble


@dataclass(frozen=True, slots=True)
class Meters:
    """The meters of several virtual hosts, by their names; they measure one after another."""

    parts: Mapping[str, Meter]

    def measure(self) -> Measurements:
        """Measure everything; raise `BrokerError` or `RegistryError` if one of them is unavailable."""
        return Measurements({name: meter.measure() for name, meter in self.parts.items()})

    def measure_if_available(self) -> Measurements:
        """Measure the parts that are available; tell the reason for which another is not."""
        return Measurements({name: meter.measure_if_available() for name, meter in self.parts.items()})

    def check_ready(self) -> None:
        """Return None if broker and registry answer; raise `BrokerError` or `RegistryError` otherwise."""
        for meter in self.parts.values():
            meter.check_ready()


def metrics_app(meter: Meter | Meters) -> WSGIApplication:
    """Return an application that takes a measurement for each request, one at a time."""
    registry = CollectorRegistry()
    registry.register(_MeasuringCollector(meter.measure_if_available))
    return make_wsgi_app(registry)


class _MeasuringCollector(Collector):
    def __init__(self, take: Callable[[], Measurement | Measurements]) -> None:
        self._take, self._lock = take, Lock()

    def describe(self) -> Iterable[Metric]:
        return ()  # without this, registering would take a measurement

    def collect(self) -> Iterable[Metric]:
        with self._lock:
            measured = self._take()
        return families(measured)
