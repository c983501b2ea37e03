"""A topology as a graph to draw: nodes and edges, the findings about them, and the route of one message."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Protocol, TypeAlias

from attune_infra.errors import InvalidInput
from attune_infra.topology.facts.exchanges import is_reserved
from attune_infra.topology.facts.releases import NEWEST, Version
from attune_infra.topology.model import Binding, End, Exchange, Message, Queue, Severity, Topology, label, odd_key
from attune_infra.topology.routing.index import Index
from attune_infra.topology.routing.route import Routing
from attune_infra.topology.words import without_numbers
from attune_infra.topology.worker import PLACEHOLDER, owner_of, with_workers

MAX_NUMBERED_QUEUES: Final = 5
"""Queues that may differ only by a number in their names; if there are more, one node stands for all of them."""

_NUMBER: Final = re.compile(r"[0-9]+")
_MAX_LABELS: Final = 4
_DLX, _KEY = "x-dead-letter-exchange", "x-dead-letter-routing-key"

_Between: TypeAlias = "tuple[End, End, EdgeKind]"
_Findings: TypeAlias = "Mapping[str, list[Finding]]"


class Finding(Protocol):
    """A finding about an object: the rule that it breaks, and how bad that is."""

    @property
    def rule(self) -> str: ...

    @property
    def severity(self) -> Severity: ...

    @property
    def object(self) -> str:
        """The object, as `label` names it."""


class NodeKind(StrEnum):
    """The kind of a node; MISSING is an exchange or queue that another object names, but that does not exist."""

    EXCHANGE = "exchange"
    QUEUE = "queue"
    MISSING = "missing"


class EdgeKind(StrEnum):
    """The reason why messages go along an edge."""

    BINDING = "binding"
    DEAD_LETTERS = "dead letters"
    ALTERNATE = "alternate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """An exchange or a queue, or `count` queues whose names differ only by a number.

    It is `per_worker` if each worker has a queue of this kind.
    """

    kind: NodeKind
    name: str
    detail: str = ""
    count: int = 1
    per_worker: bool = False
    codes: tuple[str, ...] = ()
    """Codes of the rules that it breaks, the worst first."""
    severity: Severity | None = None
    highlighted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A way of messages from one node to another; both are indexes into the nodes of the graph."""

    source: int
    target: int
    kind: EdgeKind
    labels: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    severity: Severity | None = None
    highlighted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Nodes and the edges between them."""

    name: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def graph(
    topology: Topology,
    *,
    findings: Iterable[Finding] = (),
    message: Message | None = None,
    version: Version = NEWEST,
) -> Graph:
    """Return a topology as a graph, with findings marked and the route of a message highlighted.

    The queues and bindings of workers are drawn once for all workers. Findings of the severity info are not
    marked. Raise `InvalidInput` if RabbitMQ would refuse the message.
    """
    return _Builder(topology, findings, message, version).build()


class _Builder:
    """Builds a graph of nodes and edges."""

    def __init__(
        self, topology: Topology, findings: Iterable[Finding], message: Message | None, version: Version
    ) -> None:
        self.index = Index(topology, version)
        self.findings = _findings_by_label(findings)
        self.highlight = _highlight(topology, message, version) if message else _Highlight()
        self.shared_names = _shared_names(self.index.topology.queues)
        self.nodes: dict[End, Node] = {}
        self.edges: dict[_Between, Edge] = {}
        self.labels: dict[_Between, dict[str, None]] = defaultdict(dict)

    def build(self) -> Graph:
        for exchange in self.index.exchanges:
            self.add_exchange(exchange)
        for queue in self.index.queues:
            self.add_queue(queue)
        for binding in self.index.bindings:
            self.add_binding(binding)
        for exchange in self.index.exchanges:
            if (target := self.index.routing.alternate_of(exchange)) is not None:
                source, end = ("exchange", exchange.name), self.end("exchange", target)
                is_taken = exchange.name in self.highlight.alternates
                self.add_edge(source, end, EdgeKind.ALTERNATE, "", highlighted=is_taken)
        for queue in self.index.queues:
            self.add_dead_letters(queue)
        places = {key: place for place, key in enumerate(self.nodes)}
        edges = (
            replace(edge, source=places[key[0]], target=places[key[1]], labels=tuple(self.labels[key]))
            for key, edge in self.edges.items()
        )
        reached = {end for (*ends, _), edge in self.edges.items() if edge.highlighted for end in ends}
        reached |= {("exchange", name) for name in self.highlight.exchanges}
        reached |= {("queue", self.node_name(name)) for name in self.highlight.queues}
        nodes = (replace(node, highlighted=key in reached) for key, node in self.nodes.items())
        return Graph(name=self.index.topology.name, nodes=tuple(nodes), edges=tuple(edges))

    def node_name(self, queue: str) -> str:
        """Return the name of the node that stands for a queue."""
        return self.shared_names.get(queue, queue)

    def add_exchange(self, exchange: Exchange) -> None:
        codes, severity = _worst_first(self.findings.get(label(exchange), ()))
        self.nodes["exchange", exchange.name] = Node(
            kind=NodeKind.EXCHANGE,
            name=exchange.name,
            detail=_exchange_detail(exchange),
            codes=codes,
            severity=severity,
        )

    def add_queue(self, queue: Queue) -> None:
        """Add a node for a queue, or count the queue to the node that stands for it."""
        codes, severity = _worst_first(self.findings.get(label(queue), ()))
        key = ("queue", self.node_name(queue.name))
        known = self.nodes.get(key)
        if known is None:
            self.nodes[key] = Node(
                kind=NodeKind.QUEUE,
                name=key[1],
                detail=self.queue_detail(queue),
                per_worker=PLACEHOLDER in queue.name,
                codes=codes,
                severity=severity,
            )
            return
        self.nodes[key] = replace(
            known,
            count=known.count + 1,
            codes=tuple(dict.fromkeys(known.codes + codes)),
            severity=_worst(known.severity, severity),
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
            )
        return key

    def add_binding(self, binding: Binding) -> None:
        target = self.end(binding.destination_type, binding.destination)
        key = _criteria(binding) or (binding.routing_key if binding.key_is_text else odd_key(binding))
        is_folded = binding.destination in self.shared_names and binding.destination_type == "queue"
        self.add_edge(
            self.end("exchange", binding.source),
            target,
            EdgeKind.BINDING,
            without_numbers(key) if is_folded else key,
            findings=self.findings.get(label(binding), ()),
            highlighted=binding in self.highlight.bindings,
        )

    def add_dead_letters(self, queue: Queue) -> None:
        target, key = self.index.text(queue, _DLX), self.index.text(queue, _KEY)
        if target is None:
            return
        end = self.end("exchange", target) if target else self.end("queue", queue.name if key is None else key)
        self.add_edge(
            ("queue", self.node_name(queue.name)), end, EdgeKind.DEAD_LETTERS, key if target and key else ""
        )

    def add_edge(
        self,
        source: End,
        target: End,
        kind: EdgeKind,
        text: str,
        *,
        findings: Iterable[Finding] = (),
        highlighted: bool = False,
    ) -> None:
        codes, severity = _worst_first(findings)
        edge = self.edges.get((source, target, kind), Edge(source=0, target=0, kind=kind))
        if text:
            self.labels[source, target, kind][text] = None
        self.edges[source, target, kind] = replace(
            edge,
            codes=tuple(dict.fromkeys(edge.codes + codes)),
            severity=_worst(edge.severity, severity),
            highlighted=edge.highlighted or highlighted,
        )

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


def shorten_labels(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Return the first few labels, and the number of all others."""
    if len(labels) <= _MAX_LABELS:
        return labels
    return (*labels[: _MAX_LABELS - 1], f"and {len(labels) - _MAX_LABELS + 1} more")


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
    found: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.severity.is_at_least(Severity.WARNING):
            found[finding.object].append(finding)
    return found


def _worst_first(findings: Iterable[Finding]) -> tuple[tuple[str, ...], Severity | None]:
    """Return the codes of findings, the worst first, and the worst severity."""
    worst_first = sorted(findings, key=lambda each: (list(Severity).index(each.severity), each.rule))
    codes = tuple(dict.fromkeys(finding.rule for finding in worst_first))
    return codes, worst_first[0].severity if worst_first else None


def _worst(one: Severity | None, other: Severity | None) -> Severity | None:
    if one is None or other is None:
        return one or other
    return one if one.is_at_least(other) else other


def _shared_names(queues: Iterable[str]) -> Mapping[str, str]:
    """Return a shared name for each of many queues whose names differ only by a number."""
    common = {name: without_numbers(name) for name in queues}
    count = Counter(common.values())
    return {name: shared for name, shared in common.items() if count[shared] > MAX_NUMBERED_QUEUES}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Highlight:
    """The route of a message; from the exchanges in `alternates` it goes on to their alternate exchange."""

    exchanges: frozenset[str] = frozenset()
    alternates: frozenset[str] = frozenset()
    bindings: frozenset[Binding] = frozenset()
    queues: frozenset[str] = frozenset()


def _highlight(topology: Topology, message: Message, version: Version) -> _Highlight:
    """Return the route of a message; the queue of one worker becomes that of all workers."""
    workers = {int(number) for number in _NUMBER.findall(message.routing_key)} if topology.workers else set()
    whole = with_workers(topology, sorted(number for number in workers if 0 < number < 2**63))
    routed = Routing(whole, version=version).publish(message)
    if routed.refused is not None:
        raise InvalidInput(f"RabbitMQ refuses the message to be highlighted: {routed.refused}")
    matched = {binding for hop in routed.hops for binding in hop.matched}
    return _Highlight(
        exchanges=frozenset(hop.exchange.name for hop in routed.hops),
        alternates=frozenset(hop.exchange.name for hop in routed.hops if hop.alternate is not None),
        bindings=frozenset(matched | set(_templates(matched, topology))),
        queues=frozenset(_template_of(queue, topology) for queue in (*routed.queues, *routed.possible)),
    )


def _template_of(queue: str, topology: Topology) -> str:
    """Return the template name of a worker's queue; other names unchanged."""
    family = topology.workers
    if family is None or queue in topology.queues:
        return queue
    worker_id = owner_of(family, queue)
    if worker_id is None:
        return queue
    for template in family.queues:
        if template.name.replace(PLACEHOLDER, str(worker_id)) == queue:
            return template.name
    return queue


def _templates(bindings: Iterable[Binding], topology: Topology) -> Iterator[Binding]:
    """Yield the templates of those bindings that belong to a worker."""
    family = topology.workers
    if family is None:
        return
    for binding in bindings:
        worker_id = owner_of(family, binding.destination)
        if worker_id is None:
            continue
        for template in family.bindings:
            filled = template.destination.replace(PLACEHOLDER, str(worker_id))
            key = template.routing_key.replace(PLACEHOLDER, str(worker_id))
            if (template.source, filled, key) == (binding.source, binding.destination, binding.routing_key):
                yield template
