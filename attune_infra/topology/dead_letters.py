"""Where a worker's rejected messages go."""

from __future__ import annotations

from typing import Final

from attune_infra.errors import InvalidInput
from attune_infra.topology.model import Topology
from attune_infra.topology.worker import worker_family

_ARGUMENT: Final = "x-dead-letter-exchange"


def dead_letter_exchange(topology: Topology) -> str:
    """Return the dead letter exchange that the queues of a topology name; raise `InvalidInput` unless it is one.

    A queue of a worker may name none, since its arguments must be those of the worker's own declaration.
    """
    queues = (*worker_family(topology).queues, *topology.queues.values())
    named = {str(queue.arguments[_ARGUMENT]) for queue in queues if _ARGUMENT in queue.arguments}
    if len(named) == 1:
        return named.pop()
    found = ", ".join(sorted(named)) or "none"
    raise InvalidInput(
        f"where do messages go that a worker rejects? the queues of topology '{topology.name}' name {found}",
        hint="give --dead-letter-exchange",
    )
