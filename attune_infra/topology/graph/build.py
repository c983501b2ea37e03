"""A topology -> a graph: nodes and edges, the findings about them, and the route of one message."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from attune_infra.topology.facts.exchanges import is_reserved
from attune_infra.topology.facts.releases import NEWEST, Version
from attune_infra.topology.graph.highlight import Highlight, highlight
from attune_infra.topology.graph.links import links
from attune_infra.topology.graph.values import Edge, EdgeKind, Graph, Node, NodeKind, Way
from attune_infra.topology.lint.finding import Finding
from attune_infra.topology.model import (
    Binding,
    End,
    Exchange,
    Message,
    Queue,
    Severity,
    Topology,
    as_written,
    label,
    odd_key,
)
from attune_infra.topology.routing.index import Index
from attune_infra.topology.words import without_numbers
from attune_infra.topology.worker import PLACEHOLDER

MAX_NUMBERED_QUEUES: Final = 5
"""Queues that may differ only by a number in their names; if there are more, one node stands for all of them."""

_DLX, _KEY = "x-dead-letter-exchange", "x-dead-letter-routing-key"

_Between: TypeAlias = "tuple[End, End, EdgeKind]"
_Findings: TypeAlias = "Mapping[str, tuple[Finding, ...]]"


def graph(
    topology: Topology,
    *,
    findings: Iterable[Finding] = (),
    message: Message | None = None,
    version: Version = NEWEST,
    fold: bool = True,
) -> Graph:
    """Return a topology as a graph, with findings marked and the route of a message highlighted.

    The queues and bindings of workers are drawn once for all workers. With `fold`, one node stands for many queues
    whose names differ only by a number. Findings of the severity info are not marked. Raise `InvalidInput` if
    RabbitMQ would refuse the message.
    """
    taken = highlight(topology, message, version) if message else Highlight()
    return Builder(Index(topology, version), findings, taken, fold=fold).build()


class Builder:
    """Builds a graph of nodes and edges, all in one virtual host."""

    def __init__(
        self,
        index: Index,
        findings: Iterable[Finding],
        taken: Highlight,
        *,
        fold: bool,
        virtual_host: str | None = None,
    ) -> None:
        self.index = index
        self.virtual_host = virtual_host
        self.findings = _findings_by_label(findings)
        self.highlight = taken
        self.shared_names = _shared_names(index.topology.queues) if fold else {}
        self.nodes: dict[End, Node] = {}
        self.edges: dict[_Between, list[tuple[str, Way]]] = defaultdict(list)

    def build(self) -> Graph:
        self.add_objects()
        for link in links(self.index.topology):
            between = (self.link_end(link.source), self.link_end(link.target), link.kind)
            self.edges[between].append((link.name, Way(findings=self.findings.get(link.label, ()))))
        return self.finish()

    def add_objects(self) -> None:
        """Add all but the links to other brokers and virtual hosts."""
        for exchange in self.index.exchanges:
            self.add_exchange(exchange)
        for queue in self.index.queues:
            self.add_queue(queue)
        for binding in self.index.bindings:
            self.add_binding(binding)
        for exchange in self.index.exchanges:
            self.add_alternate(exchange)
        for queue in self.index.queues:
            self.add_dead_letters(queue)

    def finish(self) -> Graph:
        """Return the graph of all that was added."""
        places = {key: place for place, key in enumerate(self.nodes)}
        edges = tuple(
            edge_of(places[source], places[target], kind, found)
            for (source, target, kind), found in self.edges.items()
        )
        reached = self.reached_by(edges)
        nodes = tuple(replace(node, highlighted=key in reached) for key, node in self.nodes.items())
        return Graph(name=self.index.topology.name, nodes=nodes, edges=edges)

    def reached_by(self, edges: Iterable[Edge]) -> set[End]:
        """Return the keys of the nodes that the message passes."""
        keys = list(self.nodes)
        found = {keys[end] for edge in edges if edge.highlighted for end in (edge.source, edge.target)}
        found |= {("exchange", name) for name in self.highlight.exchanges}
        return found | {("queue", self.node_name(name)) for name in self.highlight.queues}

    def node_name(self, queue: str) -> str:
        """Return the name of the node that stands for a queue."""
        return self.shared_names.get(queue, queue)

    def add_exchange(self, exchange: Exchange) -> None:
        self.nodes["exchange", exchange.name] = Node(
            kind=NodeKind.EXCHANGE,
            name=exchange.name,
            detail=_exchange_detail(exchange),
            item=exchange,
            of="exchange",
            virtual_host=self.virtual_host,
            findings=self.findings.get(label(exchange), ()),
        )

    def add_queue(self, queue: Queue) -> None:
        """Add a node for a queue, or count the queue to the node that stands for it."""
        findings = self.findings.get(label(queue), ())
        key = ("queue", self.node_name(queue.name))
        known = self.nodes.get(key)
        if known is not None:
            self.nodes[key] = replace(known, count=known.count + 1, findings=known.findings + findings)
            return
        self.nodes[key] = Node(
            kind=NodeKind.QUEUE,
            name=key[1],
            detail=self.queue_detail(queue),
            per_worker=PLACEHOLDER in queue.name,
            item=queue,
            of="queue",
            virtual_host=self.virtual_host,
            findings=findings,
        )

    def end(self, kind: str, name: str) -> End:
        """Return the key of a node, and add the node if the end is RabbitMQ's own or missing."""
        key = (kind, self.node_name(name) if kind == "queue" else name)
        if key not in self.nodes:
            exchange = self.index.routing.exchange(name) if kind == "exchange" else None
            is_own = exchange is not None and is_reserved(exchange.name)
            self.nodes[key] = Node(
                kind=NodeKind.EXCHANGE if is_own else NodeKind.MISSING,
                name=name,
                detail=_exchange_detail(exchange) if exchange and is_own else f"missing {kind}",
                of=kind,
                virtual_host=self.virtual_host,
            )
        return key

    def link_end(self, end: End) -> End:
        """Return the key of a node, and add the node if the end is another broker, RabbitMQ's own or missing."""
        kind, name = end
        if kind != "broker":
            return self.end(kind, name)
        self.nodes.setdefault(end, broker_node(name))
        return end

    def add_binding(self, binding: Binding) -> None:
        target = self.end(binding.destination_type, binding.destination)
        key = _criteria(binding) or (binding.routing_key if binding.key_is_text else odd_key(binding))
        is_folded = binding.destination in self.shared_names and binding.destination_type == "queue"
        way = Way(
            key=binding.routing_key if binding.key_is_text else None,
            arguments=as_written(binding.arguments),
            findings=self.findings.get(label(binding), ()),
            highlighted=binding in self.highlight.bindings,
        )
        text = without_numbers(key) if is_folded else key
        self.edges[self.end("exchange", binding.source), target, EdgeKind.BINDING].append((text, way))

    def add_alternate(self, exchange: Exchange) -> None:
        target = self.index.routing.alternate_of(exchange)
        if target is not None:
            way = Way(highlighted=exchange.name in self.highlight.alternates)
            between = (("exchange", exchange.name), self.end("exchange", target), EdgeKind.ALTERNATE)
            self.edges[between].append(("", way))

    def add_dead_letters(self, queue: Queue) -> None:
        target, key = self.index.text(queue, _DLX), self.index.text(queue, _KEY)
        if target is None:
            return
        end = self.end("exchange", target) if target else self.end("queue", queue.name if key is None else key)
        between = (("queue", self.node_name(queue.name)), end, EdgeKind.DEAD_LETTERS)
        self.edges[between].append((key if target and key else "", Way(key=key)))

    def queue_detail(self, queue: Queue) -> str:
        words = ["external"] if queue.external else [self.index.topology.type_of(queue)]
        if not queue.durable:
            words.append("not durable")
        if queue.auto_delete:
            words.append("auto-delete")
        if queue.exclusive:
            words.append("exclusive")
        if PLACEHOLDER in queue.name:
            words.append("one for each worker")
        return ", ".join(words)


def broker_node(name: str) -> Node:
    """Return the node of another broker, or of a virtual host that is not drawn."""
    return Node(kind=NodeKind.BROKER, name=name, detail="broker", of="broker")


def edge_of(source: int, target: int, kind: EdgeKind, found: list[tuple[str, Way]]) -> Edge:
    """Return the edge for all ways of one kind between two nodes."""
    labels = dict.fromkeys(text for text, _ in found if text)
    return Edge(source=source, target=target, kind=kind, labels=tuple(labels), ways=tuple(way for _, way in found))


def _exchange_detail(exchange: Exchange) -> str:
    words = [exchange.type] if exchange.type else []
    if exchange.external:
        words.append("external")
    if not exchange.durable:
        words.append("not durable")
    if exchange.auto_delete:
        words.append("auto-delete")
    if exchange.internal:
        words.append("internal")
    return ", ".join(words)


def _criteria(binding: Binding) -> str:
    arguments = sorted(binding.arguments.items(), key=lambda item: item[0])
    return ", ".join(f"{name} present" if value is None else f"{name}={value}" for name, value in arguments)


def _findings_by_label(findings: Iterable[Finding]) -> _Findings:
    """Return the findings to mark, by the labels of their objects."""
    found: dict[str, tuple[Finding, ...]] = defaultdict(tuple)
    for finding in findings:
        if finding.severity.is_at_least(Severity.WARNING):
            found[finding.object] += (finding,)
    return found


def _shared_names(queues: Iterable[str]) -> Mapping[str, str]:
    """Return a shared name for each of many queues whose names differ only by a number."""
    common = {name: without_numbers(name) for name in queues}
    count = Counter(common.values())
    return {name: shared for name, shared in common.items() if count[shared] > MAX_NUMBERED_QUEUES}
