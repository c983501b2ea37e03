"""Super streams: an entry of a document <-> an exchange, a stream for each partition, and the bindings of these.

RabbitMQ knows no super stream. Its clients, and `rabbitmq-streams add_super_stream`, take these objects for one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field, replace
from typing import Any, Final

from attune_infra.dataclass import dataclass
from attune_infra.topology.facts.arguments import PARTITION_ORDER
from attune_infra.topology.model import Arguments, Binding, Exchange, Queue, Topology, freeze

MAX_PARTITIONS: Final = 1000
"""Partitions of a super stream in a document; RabbitMQ has no limit, but each is a queue on several nodes."""

_MARK: Final[Arguments] = {"x-super-stream": True}


@dataclass(frozen=True, slots=True)
class SuperStream:
    """A name, the routing key of each partition in their order, and the arguments of each stream.

    `mark` has the arguments of the exchange.
    """

    name: str
    keys: tuple[str, ...]
    arguments: Arguments
    mark: Arguments = field(default_factory=lambda: _MARK, hash=False)

    @property
    def is_numbered(self) -> bool:
        """True if the keys are the numbers from 0 on, as for a number of partitions."""
        return self.keys == tuple(map(str, range(len(self.keys))))

    @property
    def queues(self) -> Sequence[str]:
        """The names of the streams, in the order of their keys."""
        return [f"{self.name}-{key}" for key in self.keys]

    def objects(self) -> Iterator[Exchange | Queue | Binding]:
        yield Exchange(name=self.name, type="direct", arguments=self.mark)
        for order, (name, key) in enumerate(zip(self.queues, self.keys, strict=True)):
            yield Queue(name=name, type="stream", arguments=self.arguments)
            yield Binding(source=self.name, destination=name, routing_key=key, arguments={PARTITION_ORDER: order})


def split_super_streams(
    topology: Topology,
    *,
    mark: Arguments = _MARK,
    choose: Callable[[SuperStream], bool] = lambda _: True,
) -> tuple[Sequence[SuperStream], Topology]:
    """Return the super streams of a topology that are chosen, and the topology without their objects.

    `mark` has the arguments of their exchanges.
    """
    marked = [each for each in topology.exchanges.values() if _is_marked(each, mark)]
    if not marked:
        return (), topology
    out_of: dict[str, list[Binding]] = defaultdict(list)
    into: dict[tuple[str, str], int] = defaultdict(int)
    for binding in topology.bindings:
        out_of[binding.source].append(binding)
        into[binding.destination_type, binding.destination] += 1
    found = [_recognize(each, out_of[each.name], topology) for each in marked if not into["exchange", each.name]]
    streams = [
        each for each in found if each and all(into["queue", name] == 1 for name in each.queues) and choose(each)
    ]
    objects = {item for each in streams for item in each.objects()}
    return streams, replace(
        topology,
        exchanges={name: item for name, item in topology.exchanges.items() if item not in objects},
        queues={name: item for name, item in topology.queues.items() if item not in objects},
        bindings=topology.bindings - objects,
    )


def _is_marked(exchange: Exchange, mark: Arguments) -> bool:
    return exchange == Exchange(name=exchange.name, type="direct", arguments=mark)


def _recognize(exchange: Exchange, bindings: Sequence[Binding], topology: Topology) -> SuperStream | None:
    """Return the super stream that an exchange and its bindings make, None if they make none."""
    by_order = {freeze(dict(binding.arguments)): binding for binding in bindings}
    keys = [
        by_order[asked].routing_key
        for order in range(len(bindings))
        if (asked := freeze({PARTITION_ORDER: order})) in by_order
    ]
    first = topology.queues.get(f"{exchange.name}-{keys[0]}") if keys else None
    if first is None or len(keys) != len(bindings) or len(set(keys)) != len(keys) or len(keys) > MAX_PARTITIONS:
        return None
    made = SuperStream(exchange.name, tuple(keys), first.arguments, exchange.arguments)
    is_whole = all(_holds(topology, item) for item in made.objects())
    return made if is_whole and "" not in keys else None


def _holds(topology: Topology, item: Exchange | Queue | Binding) -> bool:
    match item:
        case Exchange():
            return topology.exchanges.get(item.name) == item
        case Queue():
            return topology.queues.get(item.name) == item
        case _:
            return item in topology.bindings


def super_stream_schema(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of an entry; `arguments` is that of the arguments of a stream."""
    return {
        "type": "object",
        "description": "A direct exchange, a stream for each partition, and the bindings between them.",
        "additionalProperties": False,
        "properties": {
            "partitions": {
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_PARTITIONS,
                "description": "Number of partitions; their keys are 0, 1, ...",
            },
            "keys": {
                "type": "array",
                "items": {"type": "string", "minLength": 1},
                "minItems": 1,
                "uniqueItems": True,
                "description": "Routing key of each partition, instead of a number.",
            },
            "arguments": arguments,
        },
        "oneOf": [{"required": ["partitions"]}, {"required": ["keys"]}],
    }
