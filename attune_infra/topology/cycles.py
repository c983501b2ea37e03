"""Cycles of a directed graph."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Set
from typing import TypeVar

_Node = TypeVar("_Node", bound=Hashable)


def cycles(edges: Mapping[_Node, Set[_Node]]) -> Iterator[list[_Node]]:
    """Yield the largest sets of nodes that all lead to each other: Tarjan's algorithm, without recursion."""
    index: dict[_Node, int] = {}
    low: dict[_Node, int] = {}
    path: list[_Node] = []
    on_path: set[_Node] = set()
    for root in edges:
        if root in index:
            continue
        index[root] = low[root] = len(index)
        path.append(root)
        on_path.add(root)
        work = [(root, iter(edges[root]))]
        while work:
            node, following = work[-1]
            for other in following:
                if other not in index:
                    index[other] = low[other] = len(index)
                    path.append(other)
                    on_path.add(other)
                    work.append((other, iter(edges.get(other, ()))))
                    break
                if other in on_path:
                    low[node] = min(low[node], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    component = _closed(path, on_path, node)
                    if len(component) > 1 or node in edges.get(node, ()):
                        yield component


def _closed(path: list[_Node], on_path: set[_Node], node: _Node) -> list[_Node]:
    """Take the component that ends with a node off the path."""
    component: list[_Node] = []
    while not component or component[-1] != node:
        component.append(path.pop())
    on_path.difference_update(component)
    return component
