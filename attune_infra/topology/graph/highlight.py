"""The route of one message through a graph."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.errors import InvalidInput
from attune_infra.topology.facts.releases import Version
from attune_infra.topology.model import Binding, Message, Topology
from attune_infra.topology.routing.route import Routing
from attune_infra.topology.worker import PLACEHOLDER, owner_of, with_workers

_NUMBER: Final = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Highlight:
    """The route of a message; from the exchanges in `alternates` it goes on to their alternate exchange."""

    exchanges: frozenset[str] = frozenset()
    alternates: frozenset[str] = frozenset()
    bindings: frozenset[Binding] = frozenset()
    queues: frozenset[str] = frozenset()


def highlight(topology: Topology, message: Message, version: Version) -> Highlight:
    """Return the route of a message; the queue of one worker becomes that of all workers.

    Raise `InvalidInput` if RabbitMQ would refuse the message.
    """
    workers = {int(number) for number in _NUMBER.findall(message.routing_key)} if topology.workers else set()
    whole = with_workers(topology, sorted(number for number in workers if 0 < number < 2**63))
    routed = Routing(whole, version=version).publish(message)
    if routed.refused is not None:
        raise InvalidInput(f"RabbitMQ refuses the message to be highlighted: {routed.refused}")
    matched = {binding for hop in routed.hops for binding in hop.matched}
    return Highlight(
        exchanges=frozenset(hop.exchange.name for hop in routed.hops),
        alternates=frozenset(hop.exchange.name for hop in routed.hops if hop.alternate is not None),
        bindings=frozenset(matched | set(_templates(matched, topology))),
        queues=frozenset(template_of(queue, topology) for queue in (*routed.queues, *routed.possible)),
    )


def template_of(queue: str, topology: Topology) -> str:
    """Return the template name of a worker's queue; other names unchanged."""
    family = topology.workers
    if family is None or queue in topology.queues:
        return queue
    worker_id = owner_of(family, queue)
    if worker_id is None:
        return queue
    for template in family.queues:
        if template.name.replace(PLACEHOLDER, str(worker_id)) == queue:
            return template.name
    return queue


def _templates(bindings: Iterable[Binding], topology: Topology) -> Iterator[Binding]:
    """Yield the templates of those bindings that belong to a worker."""
    family = topology.workers
    if family is None:
        return
    for binding in bindings:
        worker_id = owner_of(family, binding.destination)
        if worker_id is None:
            continue
        for template in family.bindings:
            filled = template.destination.replace(PLACEHOLDER, str(worker_id))
            key = template.routing_key.replace(PLACEHOLDER, str(worker_id))
            if (template.source, filled, key) == (binding.source, binding.destination, binding.routing_key):
                yield template
