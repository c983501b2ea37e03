"""The values of the whole program: exchange, queue, binding, policy, topology.

The same class describes a wanted object and one that a broker reports. Names are not checked here, since a broker
may report any; `facts.names` checks those of a document.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, TypeAlias

from attune_infra.topology.target import Demands

Argument: TypeAlias = "bool | int | float | str | list[Argument] | dict[str, Argument] | None"
"""A value of an AMQP field table that JSON can represent."""

Arguments: TypeAlias = Mapping[str, Argument]


class _Absent:
    """The value of an absent argument; not None, which a field table can hold."""

    def __repr__(self) -> str:
        return "none"


ABSENT: Final = _Absent()
Value: TypeAlias = "Argument | _Absent"

MISSING_KEY: Final = "undefined"
"""The routing key that RabbitMQ lists for a binding that has none."""

VOID_AS_LISTED: Final = "undefined"
"""The text that RabbitMQ lists for AMQP's void."""

PRESENT: Final[Mapping[str, Argument]] = {"present": True}
"""The form in which a document says that a headers binding matches any value of a header."""

Version: TypeAlias = tuple[int, int]
"""Major and minor version of RabbitMQ; patch releases behave alike in everything this tool asks."""

_WORKING: Final = frozenset({None, "running", "live", "idle", "flow"})
"""States of a queue that works; RabbitMQ's word depends on its version and on whether it keeps statistics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """An exchange, wanted or reported by a broker.

    Its owner declares an `external` exchange elsewhere; the type of one may be empty, for unknown.
    """

    name: str
    type: str = "direct"
    durable: bool = True
    auto_delete: bool = False
    internal: bool = False
    arguments: Arguments = field(default_factory=dict, hash=False)
    external: bool = False

    @property
    def routing_type(self) -> str:
        """The type that it routes as: two types of plugins route as one of RabbitMQ's own."""
        if self.type == "x-recent-history":
            return "fanout"
        delayed = self.arguments.get("x-delayed-type") if self.type == "x-delayed-message" else None
        return delayed if isinstance(delayed, str) else self.type


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A queue, wanted or reported by a broker.

    `type` is None for a queue wanted without `x-queue-type`: the virtual host decides. `state` is the state that
    the broker reports (`running`, `down`, ...), None if it reports none; `node` is the node that holds it, or its
    leader. Its owner declares an `external` queue elsewhere.
    """

    name: str
    type: str | None = None
    durable: bool = True
    auto_delete: bool = False
    exclusive: bool = False
    arguments: Arguments = field(default_factory=dict, hash=False)
    state: str | None = field(default=None, compare=False)
    node: str = field(default="", compare=False)
    external: bool = False

    @property
    def works(self) -> bool:
        """False if the broker reports a state in which the queue cannot be used; its node may be down."""
        return self.state in _WORKING


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Binding:
    """A binding from an exchange to a queue, or to another exchange.

    Two bindings are equal if their ends, routing keys and arguments are. Arguments are compared with their types:
    in RabbitMQ 1, 1.0 and True make three bindings.

    A broker that loaded definitions may hold a binding whose routing key is missing, null or another value that is
    no text. Its `key_is_text` is False, and `routing_key` is then the JSON of that value, or `MISSING_KEY`.

    An argument whose value is None is AMQP's void: a headers exchange takes any value of that header.
    """

    source: str
    destination: str
    destination_type: str = "queue"
    routing_key: str = ""
    arguments: Arguments = field(default_factory=dict)
    key_is_text: bool = True

    @property
    def identity(self) -> tuple[object, ...]:
        arguments = freeze(self.arguments) if self.arguments else ()
        key = self.routing_key if self.key_is_text else (self.routing_key,)
        return (self.source, self.destination_type, self.destination, key, arguments)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Binding)
            and self.routing_key == other.routing_key
            and self.destination == other.destination
            and self.source == other.source
            and self.key_is_text == other.key_is_text
            and self.destination_type == other.destination_type
            and _same(self.arguments, other.arguments)
        )

    def __hash__(self) -> int:
        arguments = freeze(self.arguments) if self.arguments else ()
        return hash((self.source, self.destination, self.routing_key, arguments))


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy; `apply_to` is `queues`, `exchanges` or `all`, or since 3.12 the queues of one type."""

    name: str
    pattern: str
    definition: Arguments = field(default_factory=dict, hash=False)
    apply_to: str = "all"
    priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The parts of a message that RabbitMQ routes it by; the name of the default exchange is empty."""

    exchange: str
    routing_key: str = ""
    headers: Arguments = field(default_factory=dict, hash=False)

    @property
    def routing_keys(self) -> tuple[str, ...]:
        """The routing key, and those that the headers CC and BCC add to it."""
        if not self.headers:
            return (self.routing_key,)
        found = {self.routing_key: None}
        for name in ("CC", "BCC"):
            added = self.headers.get(name)
            if isinstance(added, list):
                found.update((key, None) for key in added if isinstance(key, str))
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A test that is part of a topology: a message, and all the queues that it reaches.

    `place` is its line and column in the document.
    """

    publish: Message
    reaches: tuple[str, ...]
    place: tuple[int, int] = field(default=(1, 1), compare=False)


TopologyObject: TypeAlias = Exchange | Queue | Binding | Policy

End: TypeAlias = "tuple[str, str]"
"""One end of a binding: the kind and name of an exchange or queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerFamily:
    """The queues and bindings of each worker, with `{worker_id}` for its id in names and routing keys."""

    consumer_tag: str
    queues: tuple[Queue, ...]
    bindings: tuple[Binding, ...]


class Severity(StrEnum):
    """The severity of a finding; the first is the worst."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    def is_at_least(self, other: Severity) -> bool:
        return [*Severity].index(self) <= [*Severity].index(other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """A rule of `lint` to be silenced, and the reason: for one object, by its name or label, or for all."""

    rule: str
    reason: str
    object: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """The objects of a virtual host, wanted or reported by a broker.

    A durable queue declared without a type gets the `default_queue_type`. Operator policies are only reported,
    never wanted: they limit policies and arguments. `manages` are regular expressions for the names that a
    document manages; undeclared objects with such a name may be pruned. `routes` are tests of the routing. `twins`
    are bindings that the broker holds more than once: it distinguishes integers of different width in arguments,
    and does not show it. `exchange_types` are the types that the broker can make, None if they are unknown.
    `version` is the release of the broker, or the one to assume; None is the newest. `in_effect` has the names of
    policies in effect, as the broker says, empty for none: by `policy` or `operator_policy`, and the kind and name
    of an object. `hidden` are private queues, objects of plugins, and the bindings of both; `demands` are asked.
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
    exchange_types: frozenset[str] | None = field(default=None, compare=False)
    version: Version | None = field(default=None, compare=False)
    in_effect: Mapping[tuple[str, str, str], str] = field(default_factory=dict, compare=False)
    hidden: Topology | None = field(default=None, compare=False)
    demands: Demands = field(default_factory=Demands)

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
        """Return a topology of objects of any kind."""
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
        """Return this topology with more queues and bindings."""
        more = Topology.of(objects)
        return replace(self, queues={**self.queues, **more.queues}, bindings=self.bindings | more.bindings)

    def find_queue(self, name: str) -> Queue | None:
        """Return the queue of a name, even a hidden one; None if there is none."""
        found = self.queues.get(name)
        return self.hidden.queues.get(name) if found is None and self.hidden is not None else found

    def find_exchange(self, name: str) -> Exchange | None:
        """Return the exchange of a name, even a hidden one; None if there is none."""
        found = self.exchanges.get(name)
        return self.hidden.exchanges.get(name) if found is None and self.hidden is not None else found

    def holds(self, binding: Binding) -> bool:
        """Return whether there is a binding, even a hidden one."""
        return binding in self.bindings or (self.hidden is not None and binding in self.hidden.bindings)

    def type_of(self, queue: Queue) -> str:
        """Return the type that a queue has, or gets from this virtual host."""
        return queue.type or type_without_argument(queue, self.default_queue_type)

    def objects(self) -> tuple[TopologyObject, ...]:
        """Return all objects in an order in which they can be created: exchanges, queues, policies, bindings."""
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
                (twins if item in bindings else bindings).add(item)
    return Topology(
        exchanges=exchanges,
        queues=queues,
        bindings=frozenset(bindings),
        policies=policies,
        twins=frozenset(twins),
    )


def type_without_argument(queue: Queue, default_type: str) -> str:
    """Return the type of a queue declared without one: the default, or classic if it could not have any type."""
    return default_type if queue.durable and not queue.auto_delete and not queue.exclusive else "classic"


def binding_order(binding: Binding) -> tuple[str, ...]:
    """Return the sort key of a binding."""
    arguments = repr(freeze(binding.arguments)) if binding.arguments else ""
    oddity = "" if binding.key_is_text else "not a string"
    return (binding.source, binding.destination_type, binding.destination, binding.routing_key, oddity, arguments)


def kind_of(item: TopologyObject) -> str:
    """Return the kind of an object: exchange, queue, binding or policy."""
    return type(item).__name__.lower()


def label(item: TopologyObject) -> str:
    """Return the name of an object for sentences: its kind, and what tells it from others of that kind."""
    if not isinstance(item, Binding):
        return f"{kind_of(item)} {item.name}"
    words = f"binding {item.source} -> {item.destination}"
    if not item.key_is_text:
        words += f" {odd_key(item)},"
    elif item.routing_key:
        words += f" with routing key {item.routing_key}"
    if item.arguments:
        joined = "and" if item.routing_key and item.key_is_text else "with"
        words += f" {joined} arguments {as_written(item.arguments)}"
    return words.removesuffix(",")


def as_written(arguments: Arguments) -> dict[str, Argument]:
    """Return the arguments of a binding in the form that a document holds."""
    return {name: dict(PRESENT) if value is None else value for name, value in arguments.items()}


def as_read(binding: Binding) -> Binding:
    """Return a binding as read from a headers exchange, where `undefined` is void, or less likely that text."""
    if VOID_AS_LISTED not in binding.arguments.values():
        return binding
    found = {name: None if value == VOID_AS_LISTED else value for name, value in binding.arguments.items()}
    return replace(binding, arguments=found)


def odd_key(binding: Binding) -> str:
    """Return words for a routing key that is no text."""
    if binding.routing_key == MISSING_KEY:
        return "without a routing key"
    return f"with {binding.routing_key} for a routing key, which is not a string"


def _same(these: Arguments, those: Arguments) -> bool:
    return not (these or those) or these is those or freeze(these) == freeze(those)


def freeze(value: object) -> object:
    """Return a hashable stand-in for an argument; two are equal only if type and value are."""
    match value:
        case str() | bool() | int():  # the most frequent types
            return (type(value).__name__, value)
        case dict():
            return ("table", *sorted([(key, freeze(item)) for key, item in value.items()]))
        case list() | tuple():
            return ("array", *map(freeze, value))
        case _:
            return (type(value).__name__, value)
