"""Groups of nodes: the queues of an exchange, or names with the same prefix."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Final

from attune_infra.topology.graph.values import Edge, EdgeKind, Graph, Group, Node, NodeKind
from attune_infra.topology.lint.finding import Finding
from attune_infra.topology.words import counted

_SEPARATOR: Final = re.compile(r"(?<=.)[._:/-]+", re.DOTALL)
_MIN_MEMBERS: Final = 2


class GroupBy(StrEnum):
    """The property that the members of a group share."""

    EXCHANGE = "exchange"
    PREFIX = "prefix"
    NONE = "none"


def group(graph: Graph, by: GroupBy) -> Graph:
    """Return a graph with groups.

    By exchange, a group is an exchange with all queues that are bound to no other exchange. By prefix, it is all
    names that begin alike, up to a separator: `.`, `-`, `_`, `:` or `/`. A prefix that more than half of the names
    share is extended, if several groups come of it.
    """
    match by:
        case GroupBy.EXCHANGE:
            groups = _by_exchange(graph)
        case GroupBy.PREFIX:
            groups = _by_prefix(graph)
        case GroupBy.NONE:
            return graph
    large = (found for found in groups if len(found.members) >= _MIN_MEMBERS)
    return replace(graph, groups=tuple(sorted(large, key=lambda found: found.name)))


def frame_virtual_hosts(graph: Graph) -> Graph:
    """Return a graph of several virtual hosts with a group for each; other brokers are in none."""
    members: dict[str, list[int]] = defaultdict(list)
    for number, node in enumerate(graph.nodes):
        if node.virtual_host is not None:
            members[node.virtual_host].append(number)
    groups = (Group(name=f"virtual host {name}", members=tuple(found)) for name, found in sorted(members.items()))
    return replace(graph, groups=tuple(groups))


def collapse(graph: Graph) -> Graph:
    """Return a graph with one node for each group, and no edges inside of groups."""
    group_of = {member: number for number, each in enumerate(graph.groups) for member in each.members}
    alone = [number for number in range(len(graph.nodes)) if number not in group_of]
    places = {number: place for place, number in enumerate(alone)}
    places |= {member: len(alone) + number for member, number in group_of.items()}
    nodes = (*(graph.nodes[number] for number in alone), *(_as_node(graph, each) for each in graph.groups))
    return replace(graph, nodes=nodes, edges=tuple(_moved(graph.edges, places)), groups=())


def _by_exchange(graph: Graph) -> Iterator[Group]:
    sources: dict[int, set[int]] = defaultdict(set)
    for edge in graph.edges:
        if edge.kind is EdgeKind.BINDING and graph.nodes[edge.target].of == "queue":
            sources[edge.target].add(edge.source)
    members: dict[int, list[int]] = defaultdict(list)
    for queue, bound_to in sorted(sources.items()):
        if len(bound_to) == 1:
            members[min(bound_to)].append(queue)
    for exchange, queues in members.items():
        yield Group(name=f"exchange {graph.nodes[exchange].name}", members=(exchange, *queues))


def _by_prefix(graph: Graph) -> Iterator[Group]:
    parts: dict[str | None, list[int]] = defaultdict(list)
    for number, node in enumerate(graph.nodes):
        parts[node.virtual_host].append(number)
    for numbers in parts.values():
        yield from _divide(graph, numbers, parts=1, most=len(numbers) // 2)


def _divide(graph: Graph, numbers: Sequence[int], *, parts: int, most: int) -> Iterator[Group]:
    """Yield a group for each beginning of so many parts; divide one of more than `most` members if possible."""
    alike: dict[str, list[int]] = defaultdict(list)
    for number in numbers:
        alike[_beginning(graph.nodes[number].name, parts)].append(number)
    for prefix, members in alike.items():
        divided: list[Group] = []
        if len(members) > most and any(graph.nodes[number].name != prefix for number in members):
            found = _divide(graph, members, parts=parts + 1, most=most)
            divided = [each for each in found if len(each.members) >= _MIN_MEMBERS]
        if len(divided) > 1:
            yield from divided
        else:
            yield Group(name=f"prefix {prefix}", members=tuple(members))


def _beginning(name: str, parts: int) -> str:
    """Return the first parts of a name, or all of it if it has no more."""
    for number, found in enumerate(_SEPARATOR.finditer(name), start=1):
        if number == parts:
            return name[: found.start()]
    return name


def _as_node(graph: Graph, members: Group) -> Node:
    nodes = [graph.nodes[number] for number in members.members]
    exchanges = sum(node.kind is NodeKind.EXCHANGE for node in nodes)
    findings = tuple(finding for node in nodes for finding in node.findings)
    findings += tuple(_inner_findings(graph.edges, set(members.members)))
    queues = graph.queues_in(members)
    words = [counted(exchanges, "exchange")] if exchanges else []
    return Node(
        kind=NodeKind.GROUP,
        name=members.name,
        detail=", ".join([*words, counted(queues, "queue")]),
        highlighted=any(node.highlighted for node in nodes),
        of="group",
        virtual_host=nodes[0].virtual_host,
        queues=queues,
        findings=findings,
    )


def _inner_findings(edges: Iterable[Edge], members: set[int]) -> Iterator[Finding]:
    """Yield the findings of the edges that vanish in a group."""
    for edge in edges:
        if edge.source in members and edge.target in members:
            yield from (finding for way in edge.ways for finding in way.findings)


def _moved(edges: Iterable[Edge], places: dict[int, int]) -> Iterator[Edge]:
    """Yield edges between other places, one for all of a kind between the same two; those inside of one vanish."""
    merged: dict[tuple[int, int, EdgeKind], list[Edge]] = defaultdict(list)
    for edge in edges:
        source, target = places[edge.source], places[edge.target]
        if source != target or edge.source == edge.target:
            merged[source, target, edge.kind].append(edge)
    for (source, target, kind), found in merged.items():
        labels = dict.fromkeys(label for edge in found for label in edge.labels)
        ways = tuple(way for edge in found for way in edge.ways)
        yield Edge(source=source, target=target, kind=kind, labels=tuple(labels), ways=ways)
