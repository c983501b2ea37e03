"""The output of a command without what differs from run to run, so that two runs can be compared."""

from __future__ import annotations

import json
import re
from collections.abc import Set
from contextlib import suppress
from typing import Any, Final

UNTOLD: Final = frozenset(
    {"time", "idle_seconds", "idle_since", "consumers", "rate_in", "rate_out", "heartbeat_age_seconds"}
)
"""Keys of a result that differ from run to run: times, and statistics, which lag behind."""


def told(output: str, untold: Set[str] = UNTOLD) -> list[str]:
    """Return the lines that a command printed, without the port of its broker, times, and the `untold` keys."""
    text = re.sub(r"127\.0\.0\.1:\d+", "HOST", output)
    with suppress(ValueError):
        text = json.dumps(_without(json.loads(text), untold), indent=1)
    return text.splitlines()


def _without(value: Any, untold: Set[str]) -> Any:
    match value:
        case {"name": str(name)} if "seconds" in name:  # a metric
            return name
        case dict():
            return {key: _without(item, untold) for key, item in value.items() if key not in untold}
        case list():
            return [_without(item, untold) for item in value]
        case _:
            return value
