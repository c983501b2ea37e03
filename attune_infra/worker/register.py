"""A worker's description of itself, from command line options."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable

from attune_infra.errors import WrongUsage
from attune_infra.fleet.register import Registration, WorkerType
from attune_infra.topology.model import Argument


def registration(
    name: str | None,
    worker_type: WorkerType | None,
    host: str | None,
    port: int | None,
    capabilities: Iterable[str],
) -> Registration:
    """Return a registration. The default name is the platform's: worker-HOSTNAME."""
    if name is not None and not name.strip():
        raise WrongUsage("the name of a worker is empty", hint="leave --name out for worker-HOSTNAME")
    return Registration(
        name=f"worker-{socket.gethostname()}" if name is None else name,
        worker_type=worker_type,
        host=host,
        port=port,
        capabilities=parse_capabilities(capabilities),
    )


def parse_capabilities(pairs: Iterable[str]) -> dict[str, Argument] | None:
    """Parse `KEY=VALUE` pairs, each value as JSON or else as a string.

    Return None without pairs: the registry then keeps its capabilities.
    """
    capabilities: dict[str, Argument] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise WrongUsage(
                f"capability '{pair}' is not KEY=VALUE",
                hint="""examples: --capability max_concurrent_executions=10, --capability 'runtimes=["python"]'""",
            )
        capabilities[key] = _json_or_string(value)
    return capabilities or None


def _json_or_string(value: str) -> Argument:
    try:
        read: Argument = json.loads(value)
    except ValueError:
        return value
    return read
