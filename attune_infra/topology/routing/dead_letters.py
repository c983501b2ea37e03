"""The queues at the end of the way of dead letters."""

from __future__ import annotations

from itertools import chain

from attune_infra.topology.facts.releases import Version
from attune_infra.topology.model import Topology
from attune_infra.topology.routing.index import Index
from attune_infra.topology.routing.reach import Reach


def dead_letter_queues(topology: Topology, version: Version) -> frozenset[str]:
    """Return the names of the queues that take dead letters only, and in which they stay.

    A queue with a dead letter exchange of its own sends them on, such as for a retry, and a queue that is bound to
    any other exchange takes ordinary messages too: neither is one.
    """
    index = Index(topology, version)
    reached = frozenset(chain.from_iterable(chain.from_iterable(Reach(index).dead_letters.values())))
    return frozenset(name for name in reached & topology.queues.keys() if _takes_nothing_else(name, index))


def _takes_nothing_else(name: str, index: Index) -> bool:
    if index.text(index.topology.queues[name], "x-dead-letter-exchange") is not None:
        return False
    exchanges = index.dead_letter_exchanges
    return all(binding.source in exchanges for binding in index.into.get(("queue", name), ()))
