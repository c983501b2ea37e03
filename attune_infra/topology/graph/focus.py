"""The neighbourhood of one node: everything within a few hops, in both directions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
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
    near = _within(graph, _find(graph, name, topology), depth)
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


def _find(graph: Graph, name: str, topology: Topology) -> int:
    numbers = {(node.of, node.name): number for number, node in enumerate(graph.nodes)}
    for queue in _names_of_queue(name, topology):
        if ("queue", queue) in numbers:
            return numbers["queue", queue]
    if ("exchange", name) in numbers:
        return numbers["exchange", name]
    known = [*topology.queues, *topology.exchanges, *(node.name for node in graph.nodes)]
    raise InvalidInput(
        f"there is no queue and no exchange '{name}'{guess(name, known)}",
        hint="`attune-infra graph` lists the names",
    )


def _names_of_queue(name: str, topology: Topology) -> list[str]:
    """Return the names under which a graph may hold a queue: its own, its template's, and that of a fold."""
    names = [name, template_of(name, topology)]
    if name in topology.queues:
        names.append(without_numbers(name))
    return names


def _within(graph: Graph, start: int, depth: int) -> set[int]:
    beside: dict[int, set[int]] = defaultdict(set)
    for edge in graph.edges:
        beside[edge.source].add(edge.target)
        beside[edge.target].add(edge.source)
    found, outermost = {start}, {start}
    for _ in range(min(depth, len(graph.nodes))):
        outermost = {other for number in outermost for other in beside[number]} - found
        found |= outermost
    return found
