"""Cycles of a directed graph."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Set
from typing import Final, TypeVar

_Node = TypeVar("_Node", bound=Hashable)

_OFF_THE_PATH: Final = float("inf")
"""The place of a node that was on the path and no longer is: behind every other."""


def cycles(edges: Mapping[_Node, Set[_Node]]) -> Iterator[list[_Node]]:
    """Yield the strongly connected components that have an edge: Gabow's algorithm, without recursion."""
    places: dict[_Node, float] = {}
    path: list[_Node] = []
    starts: list[float] = []  # places on the path; the nodes between two of them all lead to each other
    for root in edges:
        if root in places:
            continue
        work = [(root, _enter(root, places, path, starts), iter(edges[root]))]
        while work:
            node, place, following = work[-1]
            for other in following:
                if other not in places:
                    work.append((other, _enter(other, places, path, starts), iter(edges.get(other, ()))))
                    break
                while starts[-1] > places[other]:
                    starts.pop()
            else:
                work.pop()
                if starts[-1] == place:
                    starts.pop()
                    component = path[place:]
                    del path[place:]
                    for each in component:
                        places[each] = _OFF_THE_PATH
                    if len(component) > 1 or node in edges.get(node, ()):
                        yield component


def _enter(node: _Node, places: dict[_Node, float], path: list[_Node], starts: list[float]) -> int:
    """Put a node at the end of the path, and return its place there."""
    place = len(path)
    places[node] = place
    path.append(node)
    starts.append(place)
    return place
