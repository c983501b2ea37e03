"""Values <-> the JSON of the management API and the tables of AMQP. Pure.

What RabbitMQ itself puts into a virtual host (`amq.*` exchanges, the default exchange and its bindings) is
nobody's topology and is left out on reading. Private queues, exclusive or server-named, and the objects of plugins
are hidden in the topology, unless asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from attune_infra.topology.facts.exchanges import is_reserved
from attune_infra.topology.facts.machinery import is_machinery
from attune_infra.topology.model import (
    Argument,
    Binding,
    Exchange,
    Policy,
    Queue,
    Topology,
    TopologyObject,
    kind_of,
)

if TYPE_CHECKING:
    from attune_infra.fleet.model import Depth

Json: TypeAlias = Mapping[str, Any]

EXCHANGES = {"columns": "name,type,durable,auto_delete,internal,arguments"}
QUEUES = {"columns": "name,type,durable,auto_delete,exclusive,arguments,state", "disable_stats": "true"}
"""With statistics, RabbitMQ looks each queue up in them to tell its type: five times the time."""

BINDINGS = {"columns": "source,destination,destination_type,routing_key,arguments"}
BINDINGS_OF_A_SOURCE = {"columns": "destination,destination_type,routing_key,arguments"}
FEW_EXCHANGES = 32
"""So many sources may be asked for their bindings one by one, which spares the default exchange's: one a queue."""


def exchanges_from(listing: Iterable[Json]) -> list[Exchange]:
    return [_exchange(item) for item in listing if item["name"] and not is_reserved(item["name"])]


def queues_from(listing: Iterable[Json]) -> list[Queue]:
    return [_queue(item) for item in listing]


def bindings_from(listing: Iterable[Json]) -> list[Binding]:
    return [binding_from(item, item["source"]) for item in listing if item["source"]]


def bindings_of(source: str, listing: Iterable[Json]) -> list[Binding]:
    """Read the bindings of one exchange, which do not name it."""
    return [binding_from(item, source) for item in listing]


def is_hidden(item: Exchange | Queue) -> bool:
    """Return whether an object is for no topology: a private queue, or an object of RabbitMQ or a plugin."""
    return (isinstance(item, Queue) and item.exclusive) or is_machinery(item)


def split_hidden(
    objects: Sequence[Exchange | Queue], bindings: Sequence[Binding]
) -> tuple[Sequence[TopologyObject], Topology | None]:
    """Return the objects that may be in a topology, and all others with their bindings; None if there are none."""
    hidden = {(kind_of(item), item.name): item for item in objects if is_hidden(item)}
    if not hidden:
        return [*objects, *bindings], None
    others: list[TopologyObject] = [item for item in objects if (kind_of(item), item.name) not in hidden]
    theirs: list[Binding] = []
    for each in bindings:
        ends = (("exchange", each.source), (each.destination_type, each.destination))
        (theirs if any(end in hidden for end in ends) else others).append(each)
    return others, Topology.of([*hidden.values(), *theirs])


def policies_from(listing: Iterable[Json]) -> list[Policy]:
    return [
        Policy(
            name=item["name"],
            pattern=item["pattern"],
            definition=item["definition"],
            apply_to=item["apply-to"],
            priority=item["priority"],
        )
        for item in listing
    ]


def body_of(item: TopologyObject) -> dict[str, Argument]:
    """Return the body of the HTTP request that makes an object; nothing is left to the API's defaults.

    They are not those of AMQP: a queue PUT without `durable` becomes a transient one.
    """
    match item:
        case Exchange():
            return {
                "type": item.type,
                "durable": item.durable,
                "auto_delete": item.auto_delete,
                "internal": item.internal,
                "arguments": dict(item.arguments),
            }
        case Queue():
            return {
                "durable": item.durable,
                "auto_delete": item.auto_delete,
                "arguments": queue_arguments(item),
            }
        case Binding():
            return {"routing_key": item.routing_key, "arguments": dict(item.arguments)}
        case Policy():
            return {
                "pattern": item.pattern,
                "definition": dict(item.definition),
                "apply-to": item.apply_to,
                "priority": item.priority,
            }


def path_of(binding: Binding, virtual_host: str) -> tuple[str, ...]:
    """Return the path of the bindings between the same two ends."""
    kind = "q" if binding.destination_type == "queue" else "e"
    return ("bindings", virtual_host, "e", binding.source, kind, binding.destination)


TOTALS = {
    "disable_stats": "true",
    "enable_queue_totals": "true",
    "columns": "name,messages_ready,messages_unacknowledged",
}
"""The query for all queues' messages as they are now."""


def depths_from(listing: Iterable[Json]) -> dict[str, Depth]:
    """Read totals; a queue whose node is down has none, and is left out."""
    from attune_infra.fleet.model import Depth

    return {
        item["name"]: Depth(item["messages_ready"], item["messages_unacknowledged"])
        for item in listing
        if "messages_ready" in item
    }


def with_totals(queue: str) -> dict[str, str]:
    """Return the query for one queue and its messages as they are now; a GET of it has none on RabbitMQ 3.10."""
    return QUEUES | {
        "enable_queue_totals": "true",
        "columns": f"{QUEUES['columns']},messages",
        "page": "1",
        "page_size": "1",
        "use_regex": "true",
        "name": f"^{re.escape(queue)}$",
    }


def needs_http(item: TopologyObject) -> bool:
    """Return whether an object is made over HTTP whatever protocol was asked for.

    Policies exist nowhere else. And RabbitMQ tells bindings apart by the width of integers in their arguments:
    HTTP sends 64 bits where AMQP clients send 32, so that the same binding would be there twice.
    """
    return isinstance(item, Policy) or (isinstance(item, Binding) and _holds_integer(item.arguments))


def _holds_integer(value: object) -> bool:
    match value:
        case bool():
            return False
        case int():
            return True
        case Mapping():
            return any(map(_holds_integer, value.values()))
        case list():
            return any(map(_holds_integer, value))
        case _:
            return False


def is_transient(item: TopologyObject) -> bool:
    """Return whether it is a queue of the kind that RabbitMQ calls the feature transient_nonexcl_queues."""
    return isinstance(item, Queue) and not item.durable and not item.exclusive


def queue_arguments(queue: Queue) -> dict[str, Argument]:
    """Return the arguments of a declaration; the type is one of them, if one is wanted."""
    arguments = dict(queue.arguments)
    if queue.type is not None:
        arguments["x-queue-type"] = queue.type
    return arguments


def _exchange(item: Json) -> Exchange:
    return Exchange(
        name=item["name"],
        type=item["type"],
        durable=item["durable"],
        auto_delete=item["auto_delete"],
        internal=item["internal"],
        arguments=item["arguments"],
    )


def _queue(item: Json) -> Queue:
    """Read a queue. RabbitMQ 4 injects `x-queue-type` where nobody asked for it, so `type` is what counts."""
    arguments = item["arguments"]
    if "x-queue-type" in arguments:
        arguments = {name: value for name, value in arguments.items() if name != "x-queue-type"}
    return Queue(
        name=item["name"],
        type=item["type"],
        durable=item["durable"],
        auto_delete=item["auto_delete"],
        exclusive=item.get("exclusive", False),
        arguments=arguments,
        state=item.get("state"),
    )


def binding_from(item: Json, source: str) -> Binding:
    return Binding(
        source=source,
        destination=item["destination"],
        destination_type=item["destination_type"],
        routing_key=item["routing_key"],
        arguments=item["arguments"],
    )
