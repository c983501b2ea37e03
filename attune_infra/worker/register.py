"""What a worker says of itself when it registers."""

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
    """Return a registration; a worker without a name gets the one the platform would give it."""
    if name is not None and not name.strip():
        raise WrongUsage("the name of a worker is empty", hint="leave --name out for worker-HOSTNAME")
    return Registration(
        name=f"worker-{socket.gethostname()}" if name is None else name,
        worker_type=worker_type,
        host=host,
        port=port,
        capabilities=capabilities_from(capabilities),
    )


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
