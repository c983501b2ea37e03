"""Ways of messages from and to other brokers: shovels, and the federation that policies ask for."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Final, NamedTuple

from attune_infra.topology.facts.uris import leads_to, names_of
from attune_infra.topology.graph.values import EdgeKind
from attune_infra.topology.model import (
    Argument,
    End,
    Exchange,
    FederationUpstream,
    FederationUpstreamSet,
    Queue,
    Shovel,
    Topology,
    kind_of,
    label,
)
from attune_infra.topology.policy import effective_definition

_ALL: Final = "all"
"""The set of all upstreams, which RabbitMQ has by itself."""


class Link(NamedTuple):
    """A way of messages between two ends, of which one may be another broker; `label` names its object.

    An end in another virtual host has its name.
    """

    source: End
    target: End
    kind: EdgeKind
    name: str
    label: str
    source_vhost: str | None = None
    target_vhost: str | None = None


def links(topology: Topology, beside: Container[str] = ()) -> Iterator[Link]:
    """Yield the shovels of a topology, and a link from each upstream to what a policy federates with it.

    `beside` are the other virtual hosts in which ends are looked for.
    """
    upstreams = dict[str, FederationUpstream]()
    for _, item in sorted(topology.parameters.items()):
        if isinstance(item, Shovel) and isinstance(item.value, dict):
            ends = [_end(item.value, each, topology.vhost, beside) for each in ("src", "dest")]
            [(source, from_vhost), (target, to_vhost)] = ends
            yield Link(source, target, EdgeKind.SHOVEL, item.name, label(item), from_vhost, to_vhost)
        elif isinstance(item, FederationUpstream):
            upstreams[item.name] = item
    if not upstreams:
        return
    for end in topology.objects():
        if not isinstance(end, Exchange | Queue):
            continue
        for name in _federated(dict(effective_definition(end, topology)), upstreams, topology):
            upstream = upstreams[name]
            broker = ("broker", _broker(upstream.value.get("uri") if isinstance(upstream.value, dict) else None))
            yield Link(broker, (kind_of(end), end.name), EdgeKind.FEDERATION, name, label(upstream))


def _federated(
    definition: dict[str, Argument], upstreams: dict[str, FederationUpstream], topology: Topology
) -> Iterator[str]:
    """Yield the names of the known upstreams that a policy asks for."""
    chosen = definition.get("federation-upstream-set")
    names: list[object] = [definition.get("federation-upstream")]
    if chosen == _ALL:
        names += upstreams
    found = topology.parameters.get(("federation-upstream-set", str(chosen)))
    if isinstance(found, FederationUpstreamSet) and isinstance(found.value, list):
        names += (each.get("upstream") for each in found.value if isinstance(each, dict))
    yield from dict.fromkeys(name for name in names if isinstance(name, str) and name in upstreams)


def _end(
    value: dict[str, Argument], side: str, virtual_host: str, beside: Container[str]
) -> tuple[End, str | None]:
    """Return an end of a shovel, and the name of its virtual host if that is one of those beside."""
    uris = value.get(f"{side}-uri")
    place = leads_to(uris)
    for kind in ("queue", "exchange"):
        name = value.get(f"{side}-{kind}")
        if not (isinstance(name, str) and name):
            continue
        if place == virtual_host:
            return (kind, name), None
        if place is not None and place in beside:
            return (kind, name), place
    return ("broker", _broker(uris)), None


def _broker(uris: Argument) -> str:
    """Return the name of a node for a broker: what its URIs show, or where a document says that they are."""
    return " or ".join(names_of(uris))
