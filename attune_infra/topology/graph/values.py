"""A graph to draw: nodes, edges, and groups of nodes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from enum import StrEnum
from typing import ClassVar, Final

from attune_infra.dataclass import dataclass
from attune_infra.errors import ExitCode
from attune_infra.topology.lint.finding import Finding
from attune_infra.topology.model import Arguments, Exchange, Queue, Severity

_MAX_LABELS: Final = 4


class NodeKind(StrEnum):
    """The kind of a node.

    MISSING is an exchange or queue that another object names, but that does not exist. GROUP stands for all
    members of a group, and BROKER for the broker that an upstream or a shovel names.
    """

    EXCHANGE = "exchange"
    QUEUE = "queue"
    MISSING = "missing"
    GROUP = "group"
    BROKER = "broker"


class EdgeKind(StrEnum):
    """The reason why messages go along an edge."""

    BINDING = "binding"
    DEAD_LETTERS = "dead letters"
    ALTERNATE = "alternate"
    SHOVEL = "shovel"
    FEDERATION = "federation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """An exchange or a queue, or `count` queues whose names differ only by a number, or a whole group.

    It is `per_worker` if each worker has a queue of this kind. `item` is the object, None for RabbitMQ's own, a
    missing one, a group and a broker; for several queues it is the first one. `of` is `exchange`, `queue`, `group`
    or `broker`. `virtual_host` is named only in a graph of several virtual hosts, and not for a broker.
    """

    kind: NodeKind
    name: str
    detail: str = ""
    count: int = 1
    per_worker: bool = False
    highlighted: bool = False
    item: Exchange | Queue | None = None
    of: str = ""
    virtual_host: str | None = None
    queues: int = 0
    """The queues in a group."""
    findings: tuple[Finding, ...] = ()

    @property
    def id(self) -> str:
        """The kind and the name, such as `queue jobs`; no other node of a graph has the same."""
        where = "" if self.virtual_host is None else f" in virtual host {self.virtual_host}"
        return f"{self.of} {self.name}{where}"

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes of the rules that it breaks, the worst first."""
        return _codes(self.findings)

    @property
    def severity(self) -> Severity | None:
        return _worst(self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One binding along an edge, or the argument that makes the edge.

    `key` is the routing key of a binding, None if it has none that is text. Of dead letters, it is the key that
    they get, None if they keep theirs.
    """

    key: str | None = None
    arguments: Arguments = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    highlighted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A way of messages from one node to another; both are indexes into the nodes of the graph."""

    source: int
    target: int
    kind: EdgeKind
    labels: tuple[str, ...] = ()
    ways: tuple[Way, ...] = ()

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes of the rules that its bindings break, the worst first."""
        return _codes(self.findings)

    @property
    def severity(self) -> Severity | None:
        return _worst(self.findings)

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(finding for way in self.ways for finding in way.findings)

    @property
    def highlighted(self) -> bool:
        return any(way.highlighted for way in self.ways)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Nodes that belong together, as indexes into the nodes of the graph; no node is in two groups."""

    name: str
    members: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Nodes and the edges between them; `left_out` nodes are too far from the node in focus."""

    name: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    groups: tuple[Group, ...] = ()
    left_out: int = 0

    def queues_in(self, group: Group) -> int:
        """Return the number of queues in a group."""
        members = (self.nodes[member] for member in group.members)
        return sum(node.count if node.kind is NodeKind.QUEUE else node.queues for node in members)


@dataclass(frozen=True, slots=True)
class Drawing:
    """A graph, and its drawing in some format; the drawing is empty if nobody asked for one."""

    exit_code: ClassVar[ExitCode] = ExitCode.DONE

    graph: Graph
    text: str


def shorten_labels(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Return the first few labels, and the number of all others."""
    if len(labels) <= _MAX_LABELS:
        return labels
    return (*labels[: _MAX_LABELS - 1], f"and {len(labels) - _MAX_LABELS + 1} more")


def _worst_first(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda each: (list(Severity).index(each.severity), each.rule))


def _codes(findings: Iterable[Finding]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(finding.rule for finding in _worst_first(findings)))


def _worst(findings: Iterable[Finding]) -> Severity | None:
    worst_first = _worst_first(findings)
    return worst_first[0].severity if worst_first else None
