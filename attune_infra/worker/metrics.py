"""Look at the fleet for Prometheus: once, or whenever it asks."""

from __future__ import annotations

import time
from collections.abc import Callable

from attune_infra.errors import BrokerError, RegistryError
from attune_infra.fleet.fleet import Fleet
from attune_infra.interfaces import Measurement


def measured(look: Callable[[], Fleet | None]) -> Measurement:
    """Return what looking brought, and how long it took."""
    begin = time.monotonic()
    fleet = look()
    return Measurement(fleet, time.monotonic() - begin)


def measured_if_possible(look: Callable[[], Fleet], tell: Callable[[str], None]) -> Measurement:
    """Return the same; where broker or registry are away, say so, and return that."""

    def attempt() -> Fleet | None:
        try:
            return look()
        except (BrokerError, RegistryError) as error:
            tell(error.sentence)
            return None

    return measured(attempt)
