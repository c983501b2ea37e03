"""The documents that make deleted objects again, without their messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from attune_infra.topology.document.export import as_document
from attune_infra.topology.document.text import Document
from attune_infra.topology.facts.exchanges import is_reserved
from attune_infra.topology.model import Binding, Exchange, Queue, Topology, TopologyObject


def undo_document(deleted: Iterable[TopologyObject], have: Topology) -> Document:
    """Return the document of `undo_topology`."""
    return as_document(undo_topology(deleted, have))


def undo_topology(deleted: Iterable[TopologyObject], have: Topology) -> Topology:
    """Return a broker's objects as they were; the ends of bindings that stay are external."""
    items = list(dict.fromkeys(deleted))
    known = {(type(item), item.name) for item in items if not isinstance(item, Binding)}
    ends = (end for item in items if isinstance(item, Binding) for end in _ends(item, have))
    staying = {(type(end), end.name): end for end in ends if (type(end), end.name) not in known}
    return Topology.of((*items, *staying.values()))


def _ends(binding: Binding, have: Topology) -> Iterator[Exchange | Queue]:
    """Yield the ends of a binding as external objects."""
    names = [binding.source] if binding.destination_type == "queue" else [binding.source, binding.destination]
    for name in names:
        if not is_reserved(name):
            exchange = have.find_exchange(name)
            yield Exchange(name=name, type=exchange.type if exchange else "", external=True)
    if binding.destination_type == "queue":
        queue = have.find_queue(binding.destination)
        yield replace(queue or Queue(name=binding.destination), arguments={}, external=True)
