"""A virtual host and its objects: exchange, queue, binding, policy, limit, permission and others."""

from __future__ import annotations

from dataclasses import field, replace
from typing import Final, TypeAlias

from attune_infra.dataclass import dataclass
from attune_infra.topology.model.parameters import PARAMETER_KINDS, GlobalParameter, Parameter
from attune_infra.topology.model.users import User
from attune_infra.topology.model.values import (
    MISSING_KEY,
    PRESENT,
    VOID_AS_LISTED,
    Argument,
    Arguments,
    freeze,
)

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
class OperatorPolicy(Policy):
    """A policy of an operator: RabbitMQ merges it on top of policies and arguments, key by key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualHost:
    """The settings of a virtual host; None for one that a document leaves to others, or that a release has not.

    A queue that is declared without a type gets the `default_queue_type`. `tags` are in the order of RabbitMQ.
    RabbitMQ refuses to delete a virtual host that is `protected_from_deletion`.
    """

    name: str
    description: str | None = None
    tags: tuple[str, ...] | None = None
    default_queue_type: str | None = None
    protected_from_deletion: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit of the virtual host: `max-queues` or `max-connections`. A negative value is none."""

    name: str
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """The permissions of a user in the virtual host: regular expressions for names, empty ones for no name."""

    user: str
    configure: str
    write: str
    read: str

    @property
    def name(self) -> str:
        return self.user


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicPermission:
    """The permissions of a user on a topic exchange: regular expressions for routing keys."""

    user: str
    exchange: str
    write: str
    read: str

    @property
    def name(self) -> str:
        """The user and the exchange, as sentences name both."""
        return f"{self.user} on exchange {self.exchange}"


Control: TypeAlias = VirtualHost | User | Limit | Permission | TopicPermission | Parameter | GlobalParameter
"""An object that is no part of the way of a message; only the management API has it."""

Structure: TypeAlias = Exchange | Queue | Binding | Policy
"""An object that messages go through, or a policy over such objects."""

PARAMETER_GROUP: Final = frozenset({*PARAMETER_KINDS.values(), "parameter", "global_parameter"})
"""The kinds of parameters."""

CONTROL_KINDS: Final = frozenset(
    {"virtual_host", "user", "limit", "permission", "topic_permission", *PARAMETER_GROUP}
)

KINDS_OF_BROKER: Final = frozenset({"user", "global_parameter"})
"""The kinds of controls that are no part of a virtual host."""

TopologyObject: TypeAlias = Structure | Control

_KINDS: Final = {
    Exchange: "exchange",
    Queue: "queue",
    Binding: "binding",
    Policy: "policy",
    OperatorPolicy: "operator_policy",
    User: "user",
    VirtualHost: "virtual_host",
    Limit: "limit",
    Permission: "permission",
    TopicPermission: "topic_permission",
}

End: TypeAlias = "tuple[str, str]"
"""One end of a binding: the kind and name of an exchange or queue."""


def type_without_argument(queue: Queue, default_type: str) -> str:
    """Return the type of a queue declared without one: the default, or classic if it could not have any type."""
    return default_type if queue.durable and not queue.auto_delete and not queue.exclusive else "classic"


def binding_order(binding: Binding) -> tuple[str, ...]:
    """Return the sort key of a binding."""
    arguments = repr(freeze(binding.arguments)) if binding.arguments else ""
    oddity = "" if binding.key_is_text else "not a string"
    return (binding.source, binding.destination_type, binding.destination, binding.routing_key, oddity, arguments)


def kind_of(item: TopologyObject) -> str:
    """Return the kind of an object, such as `exchange` or `topic_permission`."""
    known = _KINDS.get(type(item))
    if known is None:
        assert isinstance(item, Parameter | GlobalParameter)  # noqa: S101 - all others have a kind by their type
        return item.kind
    return known


def label(item: TopologyObject) -> str:
    """Return the name of an object for sentences: its kind, and what tells it from others of that kind."""
    if isinstance(item, Permission | TopicPermission):
        return f"{kind_of(item).replace('_', ' ')} of user {item.name}"
    if isinstance(item, Parameter) and item.kind == "parameter":
        return f"parameter {item.name} of {item.component}"
    if not isinstance(item, Binding):
        return f"{kind_of(item).replace('_', ' ')} {item.name}"
    words = f"binding {item.source} -> {item.destination}"
    if not item.key_is_text:
        words += f" {odd_key(item)},"
    elif item.routing_key:
        words += f" with routing key {item.routing_key}"
    if item.arguments:
        joined = "and" if item.routing_key and item.key_is_text else "with"
        words += f" {joined} arguments {as_written(item.arguments)}"
    return words.removesuffix(",")


def name_in_kind(item: TopologyObject) -> str:
    """Return the label of an object without its kind."""
    return label(item).removeprefix(kind_of(item).replace("_", " ")).removeprefix(" ")


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
