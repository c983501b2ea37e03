"""What a worker says of itself when it registers."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable

from attune_infra.errors import WrongUsage
from attune_infra.topology.model import Argument


def default_name() -> str:
    """Return the name the platform gives a worker that has none."""
    return f"worker-{socket.gethostname()}"


def capabilities_from(pairs: Iterable[str]) -> dict[str, Argument] | None:
    """Read `KEY=VALUE` pairs; a value that is JSON is taken as that, any other as a string.

    None if there are no pairs: then the registry keeps what it holds.
    """
    capabilities: dict[str, Argument] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise WrongUsage(
                f"capability '{pair}' is not KEY=VALUE",
                hint="""for instance --capability max_concurrent_executions=10, or 'runtimes=["python"]'""",
            )
        capabilities[key] = _json_or_string(value)
    return capabilities or None


def _json_or_string(value: str) -> Argument:
    try:
        read: Argument = json.loads(value)
    except ValueError:
        return value
    return read
