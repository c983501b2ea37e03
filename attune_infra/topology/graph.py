"""A topology as a graph to be drawn: nodes and edges, what is wrong with them, and the way of one message."""

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
from attune_infra.topology.model import Binding, End, Exchange, Message, Queue, Severity, Topology, label
from attune_infra.topology.routing.index import Index
from attune_infra.topology.routing.route import Routing
from attune_infra.topology.worker import PLACEHOLDER, owner_of, with_workers

HANDFUL: Final = 5
"""Queues that differ only by a number in their names and are drawn one by one; more of them become one node."""

_NUMBER: Final = re.compile(r"[0-9]+")
_ANY_NUMBER: Final = "{n}"
_MOST_LABELS: Final = 4
_DLX, _KEY = "x-dead-letter-exchange", "x-dead-letter-routing-key"

_Between: TypeAlias = "tuple[End, End, EdgeKind]"
_Marks: TypeAlias = "Mapping[str, list[Finding]]"


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
    """What a node stands for; MISSING is named by something, but not there."""

    EXCHANGE = "exchange"
    QUEUE = "queue"
    MISSING = "missing"


class EdgeKind(StrEnum):
    """Why messages go along an edge."""

    BINDING = "binding"
    DEAD_LETTERS = "dead letters"
    ALTERNATE = "alternate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """An exchange or a queue, or `count` queues whose names differ only by a number."""

    kind: NodeKind
    name: str
    detail: str = ""
    count: int = 1
    codes: tuple[str, ...] = ()
    """Rules of lint that it breaks, the worst ones first."""
    severity: Severity | None = None
    highlighted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A way that messages take from one node to another, given by their places in the graph."""

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
    """Return a topology as a graph, with what lint found there, and the way of a message highlighted.

    What a worker owns stands there once. Findings of mere information are not marked. Raise `InvalidInput` if
    RabbitMQ would refuse the message.
    """
    return _Drawing(topology, findings, message, version).graph()


class _Drawing:
    """A graph in the making."""

    def __init__(
        self, topology: Topology, findings: Iterable[Finding], message: Message | None, version: Version
    ) -> None:
        self.index = Index(topology, version)
        self.marks = _marks(findings)
        self.way = _way(topology, message, version) if message else _Way()
        self.folded = _folded(self.index.topology.queues)
        self.nodes: dict[End, Node] = {}
        self.edges: dict[_Between, Edge] = {}
        self.labels: dict[_Between, dict[str, None]] = defaultdict(dict)

    def graph(self) -> Graph:
        for exchange in self.index.exchanges:
            self.add("exchange", exchange.name, _exchange_detail(exchange), label(exchange))
        for queue in self.index.queues:
            self.add("queue", self.name_of(queue.name), self.queue_detail(queue), label(queue))
        for binding in self.index.bindings:
            self.bind(binding)
        for exchange in self.index.exchanges:
            if (target := self.index.routing.alternate_of(exchange)) is not None:
                is_taken = exchange.name in self.way.alternates
                ends = ("exchange", exchange.name), self.end("exchange", target)
                self.link(*ends, EdgeKind.ALTERNATE, "", highlighted=is_taken)
        for queue in self.index.queues:
            self.dead_letters(queue)
        places = {key: place for place, key in enumerate(self.nodes)}
        edges = (
            replace(edge, source=places[key[0]], target=places[key[1]], labels=tuple(self.labels[key]))
            for key, edge in self.edges.items()
        )
        reached = {end for (*ends, _), edge in self.edges.items() if edge.highlighted for end in ends}
        reached |= {("exchange", name) for name in self.way.exchanges}
        reached |= {("queue", self.name_of(name)) for name in self.way.queues}
        nodes = (replace(node, highlighted=key in reached) for key, node in self.nodes.items())
        return Graph(name=self.index.topology.name, nodes=tuple(nodes), edges=tuple(edges))

    def name_of(self, queue: str) -> str:
        return self.folded.get(queue, queue)

    def add(self, kind: str, name: str, detail: str, called: str) -> None:
        """Add a node, or one more of what a node stands for."""
        codes, severity = _told(self.marks.get(called, ()))
        known = self.nodes.get((kind, name))
        if known is None:
            self.nodes[kind, name] = Node(
                kind=NodeKind(kind), name=name, detail=detail, codes=codes, severity=severity
            )
            return
        self.nodes[kind, name] = replace(
            known,
            count=known.count + 1,
            codes=tuple(dict.fromkeys(known.codes + codes)),
            severity=_worse(known.severity, severity),
        )

    def end(self, kind: str, name: str) -> End:
        """Return the key of what something leads to; add it, if it is RabbitMQ's own or missing."""
        key = (kind, self.name_of(name) if kind == "queue" else name)
        if key not in self.nodes:
            exchange = self.index.routing.exchange(name) if kind == "exchange" else None
            is_own = exchange is not None and is_reserved(exchange.name)
            detail = _exchange_detail(exchange) if exchange and is_own else f"{kind}, is not there"
            self.nodes[key] = Node(
                kind=NodeKind.EXCHANGE if is_own else NodeKind.MISSING, name=name, detail=detail
            )
        return key

    def bind(self, binding: Binding) -> None:
        target = self.end(binding.destination_type, binding.destination)
        key = _criteria(binding) or binding.routing_key
        is_folded = binding.destination in self.folded and binding.destination_type == "queue"
        self.link(
            self.end("exchange", binding.source),
            target,
            EdgeKind.BINDING,
            _NUMBER.sub(_ANY_NUMBER, key) if is_folded else key,
            marks=self.marks.get(label(binding), ()),
            highlighted=binding in self.way.bindings,
        )

    def dead_letters(self, queue: Queue) -> None:
        target, key = self.index.text(queue, _DLX), self.index.text(queue, _KEY)
        if target is None:
            return
        end = self.end("exchange", target) if target else self.end("queue", queue.name if key is None else key)
        self.link(("queue", self.name_of(queue.name)), end, EdgeKind.DEAD_LETTERS, key if target and key else "")

    def link(
        self,
        source: End,
        target: End,
        kind: EdgeKind,
        text: str,
        *,
        marks: Iterable[Finding] = (),
        highlighted: bool = False,
    ) -> None:
        codes, severity = _told(marks)
        edge = self.edges.get((source, target, kind), Edge(source=0, target=0, kind=kind))
        if text:
            self.labels[source, target, kind][text] = None
        self.edges[source, target, kind] = replace(
            edge,
            codes=tuple(dict.fromkeys(edge.codes + codes)),
            severity=_worse(edge.severity, severity),
            highlighted=edge.highlighted or highlighted,
        )

    def queue_detail(self, queue: Queue) -> str:
        words = [self.index.topology.type_of(queue)]
        words += ["not durable"] * (not queue.durable) + ["auto-delete"] * queue.auto_delete
        words += ["one for each worker"] * (PLACEHOLDER in queue.name)
        return ", ".join(words)


def few(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Return the first few labels, and how many there are beside them."""
    if len(labels) <= _MOST_LABELS:
        return labels
    return (*labels[: _MOST_LABELS - 1], f"and {len(labels) - _MOST_LABELS + 1} more")


def _exchange_detail(exchange: Exchange) -> str:
    words = [exchange.type] + ["not durable"] * (not exchange.durable)
    return ", ".join(words + ["auto-delete"] * exchange.auto_delete + ["internal"] * exchange.internal)


def _criteria(binding: Binding) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(binding.arguments.items()))


def _marks(findings: Iterable[Finding]) -> _Marks:
    """Return the findings that are worth a mark, by what they are about."""
    found: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.severity.is_at_least(Severity.WARNING):
            found[finding.object].append(finding)
    return found


def _told(findings: Iterable[Finding]) -> tuple[tuple[str, ...], Severity | None]:
    worst_first = sorted(findings, key=lambda each: (list(Severity).index(each.severity), each.rule))
    codes = tuple(dict.fromkeys(finding.rule for finding in worst_first))
    return codes, worst_first[0].severity if worst_first else None


def _worse(one: Severity | None, other: Severity | None) -> Severity | None:
    if one is None or other is None:
        return one or other
    return one if one.is_at_least(other) else other


def _folded(queues: Iterable[str]) -> Mapping[str, str]:
    """Return a common name for queues of which there are many that differ only by a number."""
    common = {name: _NUMBER.sub(_ANY_NUMBER, name) for name in queues}
    count = Counter(common.values())
    return {name: shared for name, shared in common.items() if count[shared] > HANDFUL}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """What a message comes along; of `alternates`, the exchanges, it goes on to their alternate exchanges."""

    exchanges: frozenset[str] = frozenset()
    alternates: frozenset[str] = frozenset()
    bindings: frozenset[Binding] = frozenset()
    queues: frozenset[str] = frozenset()


def _way(topology: Topology, message: Message, version: Version) -> _Way:
    """Return the way of a message; what is a worker's, if it names one, stands for that of all."""
    workers = {int(number) for number in _NUMBER.findall(message.routing_key)} if topology.workers else set()
    whole = with_workers(topology, sorted(number for number in workers if 0 < number < 2**63))
    routed = Routing(whole, version=version).publish(message)
    if routed.refused is not None:
        raise InvalidInput(f"RabbitMQ refuses the message to be highlighted: {routed.refused}")
    matched = {binding for hop in routed.hops for binding in hop.matched}
    return _Way(
        exchanges=frozenset(hop.exchange.name for hop in routed.hops),
        alternates=frozenset(hop.exchange.name for hop in routed.hops if hop.alternate is not None),
        bindings=frozenset(matched | set(_templates(matched, topology))),
        queues=frozenset(_template_of(queue, topology) for queue in (*routed.queues, *routed.possible)),
    )


def _template_of(queue: str, topology: Topology) -> str:
    """Return the name of which that of a worker's queue is filled in, and any other name as it is."""
    family = topology.workers
    worker_id = owner_of(family, queue) if family and queue not in topology.queues else None
    for template in family.queues if family and worker_id else ():
        if template.name.replace(PLACEHOLDER, str(worker_id)) == queue:
            return template.name
    return queue


def _templates(bindings: Iterable[Binding], topology: Topology) -> Iterator[Binding]:
    """Yield the bindings of the worker family of which these are filled in for some worker."""
    family = topology.workers
    for binding in bindings if family else ():
        worker_id = owner_of(family, binding.destination) if family else None
        for template in family.bindings if family and worker_id else ():
            filled = template.destination.replace(PLACEHOLDER, str(worker_id))
            key = template.routing_key.replace(PLACEHOLDER, str(worker_id))
            if (template.source, filled, key) == (binding.source, binding.destination, binding.routing_key):
                yield template
