"""Convert values to and from the JSON of the management API and the argument tables of AMQP. No I/O.

Reading leaves out RabbitMQ's own objects: `amq.*` exchanges, the default exchange and its bindings. Private queues
(exclusive or server-named) and objects of plugins are read; `split_hidden` sets them apart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from sys import intern
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from attune_infra.topology.facts.exchanges import is_reserved
from attune_infra.topology.facts.machinery import is_hidden
from attune_infra.topology.facts.protocols import holds_integer
from attune_infra.topology.facts.quorum import Members
from attune_infra.topology.model import (
    VOID_AS_LISTED,
    Argument,
    Binding,
    Control,
    Exchange,
    GlobalParameter,
    Limit,
    Parameter,
    Permission,
    Policy,
    Queue,
    TopicPermission,
    Topology,
    TopologyObject,
    User,
    VirtualHost,
    kind_of,
    revealed,
)

if TYPE_CHECKING:
    from attune_infra.fleet.metrics import QueueStatistics
    from attune_infra.fleet.model import Depth

Json: TypeAlias = Mapping[str, Any]

EXCHANGES: Final = {"columns": "name,type,durable,auto_delete,internal,arguments,policy"}
"""Query for the list of exchanges."""

QUEUES: Final = {
    "columns": "name,type,durable,auto_delete,exclusive,arguments,state,node,leader,policy,operator_policy",
    "disable_stats": "true",
}
"""Query for the list of queues.

With statistics, RabbitMQ searches them for each queue to find its type, which takes five times as long.
"""

MEMBERS: Final = {"columns": "name,type,leader,members,online", "disable_stats": "true"}
"""Query for the members of quorum queues and streams; RabbitMQ 3.10 tells those of quorum queues."""

BINDINGS: Final = {"columns": "source,destination,destination_type,routing_key,arguments"}
"""Query for the list of all bindings."""

BINDINGS_OF_A_SOURCE: Final = {"columns": "destination,destination_type,routing_key,arguments"}
"""Query for the bindings of one exchange."""

TOTALS: Final = {
    "disable_stats": "true",
    "enable_queue_totals": "true",
    "columns": "name,messages_ready,messages_unacknowledged",
}
"""Query for the current number of messages in every queue."""

QUEUES_WITH_TOTALS: Final = TOTALS | {
    "columns": f"{QUEUES['columns']},messages_ready,messages_unacknowledged",
}
"""Query for the list of queues with their current numbers of messages.

Only with these numbers, RabbitMQ 3.10 and 4.3 list a quorum queue whose process is gone as down.
"""

STATISTICS: Final = {"columns": "name,head_message_timestamp,message_stats.redeliver"}
"""Query for numbers that only statistics have."""

_WITHOUT_LEADER: Final = "without a leader"
"""State of a quorum queue whose members have none. RabbitMQ 3.10 calls it live, and 4.3 down or minority."""

_NO_ARGUMENTS: Final[dict[str, Argument]] = {}

_MAX_PATTERN: Final = 1024
"""Bytes of a pattern of names. RabbitMQ 4.3 refuses longer ones."""

MAX_SOURCES_LISTED_SINGLY: Final = 32
"""Exchanges whose bindings may be listed with one request each.

Such requests leave out the bindings of the default exchange, which has one for each queue.
"""


def exchanges_from(listing: Iterable[Json]) -> list[Exchange]:
    return [_exchange(item) for item in listing if item["name"] and not is_reserved(item["name"])]


def queues_from(listing: Iterable[Json]) -> list[Queue]:
    """Read queues. Their type is `type`: RabbitMQ 4 adds `x-queue-type` to arguments declared without it."""
    return [
        Queue(
            name=item["name"],
            type=item["type"],
            durable=item["durable"],
            auto_delete=item["auto_delete"],
            exclusive=item.get("exclusive") or False,
            arguments=_without_type(own) if "x-queue-type" in (own := item["arguments"]) else own,
            state=_WITHOUT_LEADER if item.get("leader", "") is None else item.get("state"),
            node=item.get("leader") or item.get("node") or "",
        )
        for item in listing
    ]


def members_from(item: Json) -> Members | None:
    """Read the members of a replicated queue."""
    if not item.get("members"):
        return None
    return Members(
        nodes=tuple(sorted(item["members"])),
        online=tuple(sorted(item.get("online") or ())),
        leader=item.get("leader") or "",
    )


def policies_in_effect(kind: str, listing: Iterable[Json]) -> dict[tuple[str, str, str], str]:
    """Read the names of the policies in effect, as far as they are listed, for `Topology.in_effect`.

    Without statistics, releases before 4.3 list no operator policies, and no policy in place of none.
    """
    found: dict[tuple[str, str, str], str] = {}
    for item in listing:
        name = item["name"]
        if "policy" in item:
            found["policy", kind, name] = item["policy"] or ""
        if "operator_policy" in item:
            found["operator_policy", kind, name] = item["operator_policy"] or ""
    return found


def bindings_from(listing: Iterable[Json]) -> list[Binding]:
    return [binding_from(item, item["source"]) for item in listing if item["source"]]


def bindings_of(source: str, listing: Iterable[Json]) -> list[Binding]:
    """Read the bindings of one exchange. Their JSON does not name it."""
    return [binding_from(item, source) for item in listing]


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


def policies_from(listing: Iterable[Json], kind: type[Policy] = Policy) -> list[Policy]:
    """Read policies, or operator policies."""
    return [
        kind(
            name=item["name"],
            pattern=item["pattern"],
            definition=item["definition"],
            apply_to=item["apply-to"],
            priority=item["priority"],
        )
        for item in listing
    ]


def body_of(item: TopologyObject) -> dict[str, Argument]:
    """Return the body of the HTTP request that creates an object, without relying on the API's defaults.

    They are not those of AMQP clients: a queue without `durable` becomes transient. `exclusive` is never sent: the
    API would create a transient queue that is not exclusive.
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
        case _:
            return _body_of_control(item)


def _body_of_control(item: Control) -> dict[str, Argument]:
    match item:
        case VirtualHost():
            return {
                "description": item.description or "",
                "tags": list(item.tags or ()),
                **({"default_queue_type": item.default_queue_type} if item.default_queue_type else {}),
            }
        case Limit():
            return {"value": item.value}
        case User():
            raise AssertionError("`users.put_user` makes the body")
        case Permission():
            return {"configure": item.configure, "write": item.write, "read": item.read}
        case TopicPermission():
            return {"exchange": item.exchange, "write": item.write, "read": item.read}
        case Parameter() | GlobalParameter():
            return {"value": revealed(item)}


def path_of(binding: Binding, virtual_host: str) -> tuple[str, ...]:
    """Return the path segments of the bindings between the two ends of a binding."""
    kind = "q" if binding.destination_type == "queue" else "e"
    return ("bindings", virtual_host, "e", binding.source, kind, binding.destination)


def depths_from(listing: Iterable[Json]) -> dict[str, Depth]:
    """Read the numbers of messages. A queue without them is left out; its node may be down."""
    from attune_infra.fleet.model import Depth

    return {
        item["name"]: Depth(item["messages_ready"], item["messages_unacknowledged"])
        for item in listing
        if "messages_ready" in item and "messages_unacknowledged" in item
    }


def statistics_from(listing: Iterable[Json]) -> dict[str, QueueStatistics]:
    """Read statistics. The time is that of a message with a timestamp at the head of a classic queue.

    `message_stats` is an empty list for a queue without any.
    """
    from attune_infra.fleet.metrics import QueueStatistics

    return {
        item["name"]: QueueStatistics(
            oldest=item.get("head_message_timestamp"),
            redelivered=dict(item["message_stats"]).get("redeliver", 0) if "message_stats" in item else None,
        )
        for item in listing
    }


def patterns_of(names: Iterable[str]) -> Iterator[str]:
    """Yield patterns that match these names and no other, as many names in each as RabbitMQ allows."""
    share, length = list[str](), 0
    for name in map(re.escape, names):
        size = len(name.encode()) + 1
        if share and length + size > _MAX_PATTERN - len("^()$"):
            yield f"^({'|'.join(share)})$"
            share, length = [], 0
        share.append(name)
        length += size
    if share:
        yield f"^({'|'.join(share)})$"


def page_of(pattern: str) -> dict[str, str]:
    """Return the part of a query that chooses queues by a pattern. It makes RabbitMQ answer in pages."""
    return {"page": "1", "page_size": "500", "use_regex": "true", "name": pattern}


def most_contents(
    queue: Queue, depth: Depth, counts: tuple[int | None, int | None] | None
) -> tuple[int | None, int | None]:
    """Return upper bounds by RabbitMQ's totals, and by the exact numbers (ready, consumers) if they are known."""
    ready, consumers = counts or (None, None)
    total = max(depth.total, (ready or 0) + depth.unacknowledged)
    is_certain = queue.type == "classic" or (queue.type == "quorum" and consumers == 0)
    return (total if is_certain else None), consumers


def with_totals(queue: str) -> dict[str, str]:
    """Return the query for one queue and its current number of messages.

    It searches the list of queues, because a GET of one queue has no current number on RabbitMQ 3.10.
    """
    return QUEUES | {
        "enable_queue_totals": "true",
        "columns": f"{QUEUES['columns']},messages,messages_ready",
        "page": "1",
        "page_size": "1",
        "use_regex": "true",
        "name": f"^{re.escape(queue)}$",
    }


class _LongInteger(int):
    """An integer that py-amqp sends with 64 bits; it compares a number with the highest one of 32 bits first."""

    def __gt__(self, other: object) -> bool:
        return True


def widen(value: Any) -> Any:
    """Return arguments with integers that AMQP sends with 64 bits, as the management API stores them."""
    match value:
        case bool():
            return value
        case int():
            return _LongInteger(value)
        case Mapping():
            return {name: widen(item) for name, item in value.items()}
        case list():
            return [widen(item) for item in value]
        case _:
            return value


def forms_of(binding: Binding) -> Iterator[dict[str, Any]]:
    """Yield the arguments that a listing shows like those of a binding, as py-amqp takes them.

    Integers may have been sent with 32 or 64 bits, and void is listed as a text.
    """
    given = dict(binding.arguments)
    texts = {name: VOID_AS_LISTED if value is None else value for name, value in given.items()}
    for arguments in (given,) if texts == given else (given, texts):
        yield arguments
        if holds_integer(arguments):
            yield widen(arguments)


def name_of(item: TopologyObject) -> str:
    """Return the name of an object among those of its kind; of a binding, its two ends."""
    return f"{item.source} -> {item.destination}" if isinstance(item, Binding) else item.name


def is_transient(item: TopologyObject) -> bool:
    """Return True for a queue that is neither durable nor exclusive.

    RabbitMQ's deprecated feature for such queues is `transient_nonexcl_queues`.
    """
    return isinstance(item, Queue) and not item.durable and not item.exclusive


def queue_arguments(queue: Queue) -> dict[str, Argument]:
    """Return the arguments of a queue's declaration. They include its type if it has one."""
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


def _without_type(arguments: dict[str, Argument]) -> dict[str, Argument]:
    if len(arguments) == 1:
        return {}
    return {name: value for name, value in arguments.items() if name != "x-queue-type"}


def binding_from(item: Json, source: str) -> Binding:
    """Read a binding. RabbitMQ lists a missing routing key like the text `undefined`: see `odd_bindings`."""
    key = item["routing_key"]
    is_text = isinstance(key, str)
    return Binding(
        source=intern(source),
        destination=intern(item["destination"]),
        destination_type=intern(item["destination_type"]),
        routing_key=key if is_text else json.dumps(key, ensure_ascii=False),
        arguments=item["arguments"] or _NO_ARGUMENTS,
        key_is_text=is_text,
    )
