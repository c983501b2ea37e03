"""Measure the fleet for Prometheus: once, or at each of its requests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from threading import Lock
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector

from attune_infra.errors import BrokerError, RegistryError
from attune_infra.fleet.metrics import Measurement
from attune_infra.render.pages.metrics import families

if TYPE_CHECKING:
    from prometheus_client.core import GaugeMetricFamily

    from attune_infra.fleet.model import Fleet


def measure(look: Callable[[], Fleet | None]) -> Measurement:
    """Return the fleet and the seconds it took to look at it."""
    begin = time.monotonic()
    fleet = look()
    return Measurement(fleet, time.monotonic() - begin)


def measure_if_available(look: Callable[[], Fleet], tell: Callable[[str], None]) -> Measurement:
    """Measure; if the broker or the registry is unavailable, tell the reason and measure no fleet."""

    def attempt() -> Fleet | None:
        try:
            return look()
        except (BrokerError, RegistryError) as error:
            tell(error.sentence)
            return None

    return measure(attempt)


def collector_registry(take: Callable[[], Measurement]) -> CollectorRegistry:
    """Return the registry that prometheus-client serves; each request takes a measurement, one at a time."""
    registry = CollectorRegistry()
    registry.register(_FleetCollector(take))
    return registry


class _FleetCollector(Collector):
    def __init__(self, take: Callable[[], Measurement]) -> None:
        self._take, self._lock = take, Lock()

    def describe(self) -> Iterable[GaugeMetricFamily]:
        return ()  # without this, registering would take a measurement

    def collect(self) -> Iterable[GaugeMetricFamily]:
        with self._lock:
            measurement = self._take()
        return families(measurement)
