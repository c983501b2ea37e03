"""Send a message to one worker."""

from __future__ import annotations

import json
from uuid import uuid4

from attune_infra.errors import InvalidInput, WrongUsage
from attune_infra.fleet.dispatch import Dispatch
from attune_infra.interfaces import Messages
from attune_infra.topology.model import Topology
from attune_infra.topology.worker import bindings_of, worker_family


def dispatch(broker: Messages, topology: Topology, worker_id: int, body: str | None) -> Dispatch:
    """Publish a message as a scheduler does: to the exchange of the worker's first binding.

    Raise `InvalidInput` if the topology binds no worker queue.
    """
    first = next(iter(bindings_of(worker_family(topology), worker_id)), None)
    if first is None:
        raise InvalidInput(
            f"topology '{topology.name}' binds no worker queue to an exchange",
            hint="add `bindings:` to the queue in its workers section",
        )
    message_id = str(uuid4())
    text = json.dumps({"message_id": message_id, "worker_id": worker_id}) if body is None else body
    routed = broker.publish(first.source, first.routing_key, text, message_id=message_id)
    return Dispatch(
        worker_id=worker_id,
        exchange=first.source,
        routing_key=first.routing_key,
        message_id=message_id,
        routed=routed,
    )


def require_json(body: str | None) -> None:
    """Raise `WrongUsage` if a body is given that is not JSON."""
    try:
        json.loads("null" if body is None else body)
    except ValueError as error:
        raise WrongUsage(
            f"the body is not JSON: {error}", hint="""example: --body '{"action": "ping"}'"""
        ) from error
