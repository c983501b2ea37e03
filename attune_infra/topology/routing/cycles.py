"""Cycles of a directed graph."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Set
from typing import Final, TypeVar

_Node = TypeVar("_Node", bound=Hashable)

_LEFT: Final = float("inf")
"""The place of a node that is no longer on the path, behind every other."""


def cycles(edges: Mapping[_Node, Set[_Node]]) -> Iterator[list[_Node]]:
    """Yield the largest sets of nodes that all lead to each other: Gabow's algorithm, without recursion."""
    places: dict[_Node, float] = {}
    path: list[_Node] = []
    starts: list[float] = []  # the places on the path between which all nodes lead to each other
    for root in edges:
        work = [] if root in places else [(root, _entered(root, places, path, starts), iter(edges[root]))]
        while work:
            node, place, following = work[-1]
            for other in following:
                if other not in places:
                    work.append((other, _entered(other, places, path, starts), iter(edges.get(other, ()))))
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
                        places[each] = _LEFT
                    if len(component) > 1 or node in edges.get(node, ()):
                        yield component


def _entered(node: _Node, places: dict[_Node, float], path: list[_Node], starts: list[float]) -> int:
    """Put a node at the end of the path, and return its place there."""
    place = len(path)
    places[node] = place
    path.append(node)
    starts.append(place)
    return place
