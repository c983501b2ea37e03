"""What nobody declares and the document claims: what may go, and why the rest stays.

A name is claimed if one of the document's `manages` patterns matches the whole of it. A binding belongs to its
destination. Nothing of RabbitMQ's own (`amq.*`) and no worker's queue is ever claimed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from attune_infra.topology.diff import Delete, undeclared
from attune_infra.topology.facts.exchanges import is_reserved
from attune_infra.topology.model import Binding, Exchange, Policy, Queue, Topology, TopologyObject
from attune_infra.topology.worker import owner_of

_ORDER = (Binding, Policy, Queue, Exchange)


def prunable(have: Topology, want: Topology) -> tuple[Delete, ...]:
    """Return what is to be deleted, in the order in which it can be: unbinding first, exchanges last."""
    found = [item for item in undeclared(have, want) if why_kept(item, want) is None]
    return tuple(Delete(item) for kind in _ORDER for item in found if isinstance(item, kind))


def why_kept(item: TopologyObject, want: Topology) -> str | None:
    """Return why an undeclared object is left alone, or None if the document claims it."""
    for name in _names(item):
        if is_reserved(name):
            return "it is RabbitMQ's own"
        if want.workers is not None and owner_of(want.workers, name) is not None:
            return "it is a worker's"
        if not any(re.fullmatch(pattern, name) for pattern in want.manages):
            return f"no `manages` pattern of the document matches '{name}'"
    return None


def _names(item: TopologyObject) -> Iterator[str]:
    match item:
        case Binding():
            yield item.destination
        case Exchange() | Queue() | Policy():
            yield item.name
