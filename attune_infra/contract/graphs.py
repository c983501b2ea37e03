"""A graph: nodes for objects, edges for the ways of messages."""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict

from attune_infra.contract.words import Arguments, OneOf, Url
from attune_infra.topology.model import Severity


class MarkData(TypedDict):
    """A finding of lint about a node or an edge."""

    code: Annotated[str, "Code of the rule, such as AI004."]
    url: Annotated[Url, "Page that explains the rule."]
    severity: Annotated[Severity, "Severity of the rule."]
    what: Annotated[str, "Finding, as a sentence."]
    remedy: Annotated[str, "Remedy, as a sentence."]


class NodeData(TypedDict):
    """An exchange or a queue, several queues whose names differ by a number, a whole group, or another broker."""

    id: Annotated[str, "Id for edges and groups: its kind and name, such as `queue jobs`."]
    kind: Annotated[str, OneOf.these("exchange", "queue", "group", "broker"), "Kind of the node."]
    name: Annotated[str, "Name."]
    missing: Annotated[bool, "True if another object names it, and it does not exist."]
    count: Annotated[int, "Number of queues that it stands for."]
    per_worker: Annotated[bool, "True if each worker has a queue of this kind."]
    detail: Annotated[str, "Type and settings, for people."]
    highlighted: Annotated[bool, "True if it is on the way of the chosen message."]
    group: Annotated[str | None, "Group that it belongs to."]
    findings: Annotated[list[MarkData], "Findings of lint."]
    type: NotRequired[Annotated[str | None, "Type; null if the virtual host decides."]]
    internal: NotRequired[Annotated[bool, "True if only exchanges can publish to the exchange."]]
    exclusive: NotRequired[Annotated[bool, "True if the queue belongs to one connection."]]
    durable: NotRequired[Annotated[bool, "True if it survives a restart."]]
    auto_delete: NotRequired[Annotated[bool, "True if RabbitMQ deletes it when it is no longer used."]]
    external: NotRequired[Annotated[bool, "True if its owner declares it elsewhere."]]
    arguments: Annotated[Arguments, "Arguments."]


class EdgeData(TypedDict):
    """A binding, or another way of messages from one node to another."""

    source: Annotated[str, "Id of the node that messages come from."]
    target: Annotated[str, "Id of the node that they go to."]
    kind: Annotated[
        str,
        OneOf.these("binding", "dead-letter", "alternate", "shovel", "federation"),
        "Reason why they go this way.",
    ]
    key: Annotated[str | None, "Routing key; null if there is none."]
    arguments: Annotated[Arguments, "Arguments of the binding."]
    highlighted: Annotated[bool, "True if it is on the way of the chosen message."]
    findings: Annotated[list[MarkData], "Findings of lint."]


class GroupData(TypedDict):
    """Nodes that belong together."""

    name: Annotated[str, "Name of the group."]
    queues: Annotated[int, "Number of queues in it."]
    members: Annotated[list[str], "Ids of the nodes, sorted."]


class GraphData(TypedDict):
    """A topology as nodes and edges."""

    name: Annotated[str, "Name of the topology."]
    nodes: Annotated[list[NodeData], "Nodes, by their ids."]
    edges: Annotated[list[EdgeData], "Edges, one for each binding."]
    groups: Annotated[list[GroupData], "Groups."]
    left_out: Annotated[int, "Number of objects outside of the focus."]
