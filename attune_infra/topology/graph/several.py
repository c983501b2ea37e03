"""The topologies of several virtual hosts -> one graph, with the shovels between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeAlias

from attune_infra.topology.facts.releases import NEWEST, Version
from attune_infra.topology.graph.build import Builder, broker_node, edge_of
from attune_infra.topology.graph.highlight import Highlight, highlight
from attune_infra.topology.graph.links import links
from attune_infra.topology.graph.values import Edge, EdgeKind, Graph, Node, Way
from attune_infra.topology.lint.finding import Finding
from attune_infra.topology.model import End, Message, Topology
from attune_infra.topology.routing.index import Index

_Spot: TypeAlias = "tuple[str | None, End]"
"""A virtual host, and an end in it; other brokers are in none."""
_Links: TypeAlias = "Mapping[tuple[_Spot, _Spot, EdgeKind], list[tuple[str, Way]]]"


def graph_of_several(
    topologies: Mapping[str, Topology],
    *,
    name: str = "",
    findings: Mapping[str, Iterable[Finding]],
    message: Message | None = None,
    version: Version = NEWEST,
) -> Graph:
    """Return the topologies of virtual hosts as one graph, in which each node has the name of its own.

    A shovel from one of them to another is an edge; another broker is one node for all. The route of a message is
    highlighted in each virtual host that has its exchange.
    """
    taken = _highlights(topologies, message, version)
    builders = {
        vhost: Builder(
            Index(each, version),
            findings.get(vhost, ()),
            taken.get(vhost, Highlight()),
            fold=True,
            virtual_host=vhost,
        )
        for vhost, each in topologies.items()
    }
    for builder in builders.values():
        builder.add_objects()
    return _joined(name, builders, _links(builders))


def _highlights(
    topologies: Mapping[str, Topology], message: Message | None, version: Version
) -> Mapping[str, Highlight]:
    if message is None:
        return {}
    names = [
        vhost
        for vhost, each in topologies.items()
        if Index(each, version).routing.exchange(message.exchange) is not None
    ]
    return {vhost: highlight(topologies[vhost], message, version) for vhost in names or topologies}


def _links(builders: Mapping[str, Builder]) -> _Links:
    """Return the edges of all links; nodes for ends that are missing are added where these should be."""
    found: dict[tuple[_Spot, _Spot, EdgeKind], list[tuple[str, Way]]] = defaultdict(list)
    for vhost, builder in builders.items():
        for link in links(builder.index.topology, beside=builders):
            source = _spot(link.source, link.source_vhost or vhost, builders)
            target = _spot(link.target, link.target_vhost or vhost, builders)
            way = Way(findings=builder.findings.get(link.label, ()))
            found[source, target, link.kind].append((link.name, way))
    return found


def _spot(end: End, vhost: str, builders: Mapping[str, Builder]) -> _Spot:
    kind, name = end
    return (None, end) if kind == "broker" else (vhost, builders[vhost].end(kind, name))


def _joined(name: str, builders: Mapping[str, Builder], linked: _Links) -> Graph:
    nodes, edges, places = list[Node](), list[Edge](), dict[_Spot, int]()
    for vhost, builder in builders.items():
        first, part = len(nodes), builder.finish()
        places |= {(vhost, key): first + number for number, key in enumerate(builder.nodes)}
        nodes += part.nodes
        edges += (replace(each, source=first + each.source, target=first + each.target) for each in part.edges)
    for spot in (spot for source, target, _ in linked for spot in (source, target)):
        if spot not in places:
            places[spot] = len(nodes)
            nodes.append(broker_node(spot[1][1]))
    edges += (
        edge_of(places[source], places[target], kind, found) for (source, target, kind), found in linked.items()
    )
    return Graph(name=name, nodes=tuple(nodes), edges=tuple(edges))
