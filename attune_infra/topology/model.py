"""The values everything else speaks of: exchange, queue, binding, policy, topology.

The same class describes what somebody wants and what a broker reports. Whether a name is allowed is a
question for those who want something (`topology.names`); what a broker reports exists, however odd.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, TypeAlias

Argument: TypeAlias = "bool | int | float | str | list[Argument] | dict[str, Argument] | None"
"""A value of an AMQP field table, as far as JSON can carry it."""

Arguments: TypeAlias = Mapping[str, Argument]

_WORKING: Final = frozenset({None, "running", "live", "idle", "flow"})
"""What RabbitMQ calls a queue that works; the word differs by version and by whether statistics are there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """An exchange, as somebody wants it or as the broker reports it."""

    name: str
    type: str = "direct"
    durable: bool = True
    auto_delete: bool = False
    internal: bool = False
    arguments: Arguments = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A queue, as somebody wants it or as the broker reports it.

    `type` is None for a queue wanted without `x-queue-type`: the virtual host decides. `state` is the
    broker's word for how the queue is (`running`, `down`, ...), None where nobody reported any.
    """

    name: str
    type: str | None = None
    durable: bool = True
    auto_delete: bool = False
    exclusive: bool = False
    arguments: Arguments = field(default_factory=dict, hash=False)
    state: str | None = field(default=None, compare=False)

    @property
    def works(self) -> bool:
        """Whether the broker says nothing else: its node may be down, and the queue with it."""
        return self.state in _WORKING


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Binding:
    """A binding from an exchange to a queue, or to another exchange.

    Two bindings are the same one if their endpoints, routing key and arguments are, and arguments are
    compared by type: to RabbitMQ 1, 1.0 and True make three bindings.
    """

    source: str
    destination: str
    destination_type: str = "queue"
    routing_key: str = ""
    arguments: Arguments = field(default_factory=dict)

    @property
    def identity(self) -> tuple[object, ...]:
        arguments = frozen(self.arguments) if self.arguments else ()
        return (self.source, self.destination_type, self.destination, self.routing_key, arguments)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Binding)
            and self.routing_key == other.routing_key
            and self.destination == other.destination
            and self.source == other.source
            and self.destination_type == other.destination_type
            and _same(self.arguments, other.arguments)
        )

    def __hash__(self) -> int:
        arguments = frozen(self.arguments) if self.arguments else ()
        return hash((self.source, self.destination, self.routing_key, arguments))


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy; `apply_to` is `queues`, `exchanges` or `all` (4.x also knows single queue types)."""

    name: str
    pattern: str
    definition: Arguments = field(default_factory=dict, hash=False)
    apply_to: str = "all"
    priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What RabbitMQ looks at to route a message; the name of the default exchange is empty."""

    exchange: str
    routing_key: str = ""
    headers: Arguments = field(default_factory=dict, hash=False)

    @property
    def routing_keys(self) -> tuple[str, ...]:
        """The routing key, and those that the headers CC and BCC add to it."""
        if not self.headers:
            return (self.routing_key,)
        added = (self.headers.get(name, []) for name in ("CC", "BCC"))
        further = [key for keys in added if isinstance(keys, list) for key in keys if isinstance(key, str)]
        return tuple(dict.fromkeys((self.routing_key, *further)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A test that a topology brings along: a message, and all the queues that it reaches.

    `place` is where it stands in its document, line and column.
    """

    publish: Message
    reaches: tuple[str, ...]
    place: tuple[int, int] = field(default=(1, 1), compare=False)


TopologyObject: TypeAlias = Exchange | Queue | Binding | Policy

End: TypeAlias = "tuple[str, str]"
"""An exchange or queue, as the end of a binding: its kind and its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerFamily:
    """What each worker owns, with `{worker_id}` standing for its id in names and routing keys."""

    consumer_tag: str
    queues: tuple[Queue, ...]
    bindings: tuple[Binding, ...]


class Severity(StrEnum):
    """How bad a finding is; the first is the worst."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    def is_at_least(self, other: Severity) -> bool:
        order = list(Severity)
        return order.index(self) <= order.index(other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """A rule of `lint` that is not to speak, and why: of one object, as it is called there, or of any."""

    rule: str
    reason: str
    object: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """What a virtual host holds, or should hold.

    `default_queue_type` is what a durable queue becomes whose declaration names no type. Operator policies are
    never wanted, only seen: they bound what policies and arguments may do. `manages` holds regular expressions
    for the names a document claims: what bears one and is not declared may be pruned. `routes` are what a document
    says of its own messages, to be tested. `twins` are bindings that the broker holds more than once: it tells
    them apart by the width of an integer, which nobody is shown.
    """

    name: str = ""
    exchanges: Mapping[str, Exchange] = field(default_factory=dict)
    queues: Mapping[str, Queue] = field(default_factory=dict)
    bindings: frozenset[Binding] = frozenset()
    policies: Mapping[str, Policy] = field(default_factory=dict)
    operator_policies: Mapping[str, Policy] = field(default_factory=dict, compare=False)
    workers: WorkerFamily | None = None
    default_queue_type: str = "classic"
    manages: tuple[str, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    twins: frozenset[Binding] = field(default=frozenset(), compare=False)
    routes: tuple[Route, ...] = ()

    @classmethod
    def of(
        cls,
        objects: Iterable[TopologyObject],
        *,
        name: str = "",
        workers: WorkerFamily | None = None,
        default_queue_type: str = "classic",
        manages: tuple[str, ...] = (),
        suppressions: tuple[Suppression, ...] = (),
        routes: tuple[Route, ...] = (),
    ) -> Topology:
        """Gather objects of any kind into a topology."""
        return replace(
            _gather(objects),
            name=name,
            workers=workers,
            default_queue_type=default_queue_type,
            manages=manages,
            suppressions=suppressions,
            routes=routes,
        )

    def plus(self, objects: Iterable[Queue | Binding]) -> Topology:
        """Return this topology with more in it."""
        more = Topology.of(objects)
        return replace(self, queues={**self.queues, **more.queues}, bindings=self.bindings | more.bindings)

    def type_of(self, queue: Queue) -> str:
        """Return the type that a queue has, or gets from this virtual host."""
        return queue.type or type_without_argument(queue, self.default_queue_type)

    def objects(self) -> tuple[TopologyObject, ...]:
        """Return everything, in the order in which it can be made: exchanges, queues, policies, bindings."""
        return (
            *sorted(self.exchanges.values(), key=lambda exchange: exchange.name),
            *sorted(self.queues.values(), key=lambda queue: queue.name),
            *sorted(self.policies.values(), key=lambda policy: policy.name),
            *sorted(self.bindings, key=binding_order),
        )


def _gather(objects: Iterable[TopologyObject]) -> Topology:
    """Return a topology of these objects and nothing else."""
    exchanges: dict[str, Exchange] = {}
    queues: dict[str, Queue] = {}
    policies: dict[str, Policy] = {}
    bindings: set[Binding] = set()
    twins: set[Binding] = set()
    for item in objects:
        match item:
            case Exchange():
                exchanges[item.name] = item
            case Queue():
                queues[item.name] = item
            case Policy():
                policies[item.name] = item
            case Binding():
                known = len(bindings)
                bindings.add(item)
                if len(bindings) == known:
                    twins.add(item)
    return Topology(
        exchanges=exchanges,
        queues=queues,
        bindings=frozenset(bindings),
        policies=policies,
        twins=frozenset(twins),
    )


def type_without_argument(queue: Queue, default_type: str) -> str:
    """Return the type that a declaration without `x-queue-type` gets.

    Only what could be of any type takes the virtual host's default; the rest becomes classic.
    """
    return default_type if queue.durable and not queue.auto_delete and not queue.exclusive else "classic"


def binding_order(binding: Binding) -> tuple[str, ...]:
    """Return what bindings are sorted by."""
    arguments = repr(frozen(binding.arguments)) if binding.arguments else ""
    return (binding.source, binding.destination_type, binding.destination, binding.routing_key, arguments)


def kind_of(item: TopologyObject) -> str:
    """Return the kind of an object: exchange, queue, binding or policy."""
    return type(item).__name__.lower()


def label(item: TopologyObject) -> str:
    """Return what an object is called in a sentence."""
    if not isinstance(item, Binding):
        return f"{kind_of(item)} {item.name}"
    words = f"binding {item.source} -> {item.destination}"
    if item.routing_key:
        words += f" with routing key {item.routing_key}"
    if item.arguments:
        words += f" {'and' if item.routing_key else 'with'} arguments {dict(item.arguments)}"
    return words


def _same(these: Arguments, those: Arguments) -> bool:
    return not (these or those) or these is those or frozen(these) == frozen(those)


def frozen(value: object) -> object:
    """Return a hashable stand-in for an argument that is equal only to one of the same type and value."""
    match value:
        case str() | bool() | int():  # what most are
            return (type(value).__name__, value)
        case dict():
            return ("table", *sorted([(key, frozen(item)) for key, item in value.items()]))
        case list() | tuple():
            return ("array", *map(frozen, value))
        case _:
            return (type(value).__name__, value)
