"""The neighbourhood of one node: everything within a few hops, in both directions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from attune_infra.errors import InvalidInput
from attune_infra.topology.graph.highlight import template_of
from attune_infra.topology.graph.values import Graph
from attune_infra.topology.model import Topology
from attune_infra.topology.words import guess, without_numbers


def focus(graph: Graph, name: str, depth: int, topology: Topology) -> Graph:
    """Return the part of a graph within `depth` edges of a queue, or else of an exchange of that name.

    Edges count in both directions, dead letters and alternate exchanges included. Raise `InvalidInput` if the
    topology has no such queue and no such exchange.
    """
    start = _find(graph, name, topology)
    if start is None:
        raise _unknown(graph, name, [topology])
    return _around(graph, {start}, depth)


def focus_in_each(graph: Graph, name: str, depth: int, topologies: Mapping[str, Topology]) -> Graph:
    """Return the same for a graph of several virtual hosts, around each queue or exchange of that name."""
    starts = {_find(graph, name, each, vhost) for vhost, each in topologies.items()} - {None}
    if not starts:
        raise _unknown(graph, name, topologies.values())
    return _around(graph, {start for start in starts if start is not None}, depth)


def _around(graph: Graph, starts: set[int], depth: int) -> Graph:
    near = _within(graph, starts, depth)
    return keep(graph, near, left_out=graph.left_out + len(graph.nodes) - len(near))


def keep(graph: Graph, kept: Iterable[int], *, left_out: int) -> Graph:
    """Return a graph with these nodes and the edges between them."""
    places = {number: place for place, number in enumerate(sorted(kept))}
    edges = (
        replace(edge, source=places[edge.source], target=places[edge.target])
        for edge in graph.edges
        if edge.source in places and edge.target in places
    )
    nodes = tuple(graph.nodes[number] for number in places)
    return replace(graph, nodes=nodes, edges=tuple(edges), left_out=left_out)


def _find(graph: Graph, name: str, topology: Topology, vhost: str | None = None) -> int | None:
    here = ((number, node) for number, node in enumerate(graph.nodes) if node.virtual_host == vhost)
    numbers = {(node.of, node.name): number for number, node in here}
    for queue in _names_of_queue(name, topology):
        if ("queue", queue) in numbers:
            return numbers["queue", queue]
    return numbers.get(("exchange", name))


def _unknown(graph: Graph, name: str, topologies: Iterable[Topology]) -> InvalidInput:
    known = [each for topology in topologies for each in (*topology.queues, *topology.exchanges)]
    return InvalidInput(
        f"there is no queue and no exchange '{name}'{guess(name, [*known, *(node.name for node in graph.nodes)])}",
        hint="`attune-infra graph` lists the names",
    )


def _names_of_queue(name: str, topology: Topology) -> list[str]:
    """Return the names under which a graph may hold a queue: its own, its template's, and that of a fold."""
    names = [name, template_of(name, topology)]
    if name in topology.queues:
        names.append(without_numbers(name))
    return names


def _within(graph: Graph, starts: set[int], depth: int) -> set[int]:
    beside: dict[int, set[int]] = defaultdict(set)
    for edge in graph.edges:
        beside[edge.source].add(edge.target)
        beside[edge.target].add(edge.source)
    found, outermost = set(starts), set(starts)
    for _ in range(min(depth, len(graph.nodes))):
        outermost = {other for number in outermost for other in beside[number]} - found
        found |= outermost
    return found
