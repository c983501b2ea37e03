"""A topology: all objects of a virtual host, and what a document says besides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from enum import StrEnum
from operator import attrgetter
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.topology.model.objects import (
    Binding,
    Exchange,
    Limit,
    OperatorPolicy,
    Permission,
    Policy,
    Queue,
    TopicPermission,
    TopologyObject,
    binding_order,
    type_without_argument,
)
from attune_infra.topology.model.values import Arguments, Version
from attune_infra.topology.target import Demands


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

    `place` is its line and column in the document; `source` is the document if there are several.
    """

    publish: Message
    reaches: tuple[str, ...]
    place: tuple[int, int] = field(default=(1, 1), compare=False)
    source: str = field(default="", compare=False)


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

    A durable queue declared without a type gets the `default_queue_type`. Permissions are by user, topic
    permissions also by exchange; `unread` are the kinds of limits and permissions that the broker was not asked
    for, `own_users` the users who asked it. `manages` are regular expressions for the names that a document
    manages; undeclared objects with such a name may be pruned. `routes` are tests of the routing. `twins` are
    bindings that the broker holds more than once: it distinguishes integers of different width in arguments, and
    does not show it. `exchange_types` are the types that the broker can make, None if they are unknown. `version`
    is the release of the broker, or the one to assume; None is the newest. `in_effect` has the names of policies
    in effect, as the broker says, empty for none: by `policy` or `operator_policy`, and the kind and name of an
    object. `hidden` are private queues, objects of plugins, and the bindings of both; `demands` are asked.
    """

    name: str = ""
    exchanges: Mapping[str, Exchange] = field(default_factory=dict)
    queues: Mapping[str, Queue] = field(default_factory=dict)
    bindings: frozenset[Binding] = frozenset()
    policies: Mapping[str, Policy] = field(default_factory=dict)
    operator_policies: Mapping[str, Policy] = field(default_factory=dict)
    limits: Mapping[str, Limit] = field(default_factory=dict)
    permissions: Mapping[str, Permission] = field(default_factory=dict)
    topic_permissions: Mapping[tuple[str, str], TopicPermission] = field(default_factory=dict)
    unread: frozenset[str] = field(default=frozenset(), compare=False)
    own_users: frozenset[str] = field(default=frozenset(), compare=False)
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

    @property
    def control_kinds(self) -> frozenset[str]:
        """The kinds of limits and permissions that there are: `limit`, `permission`, `topic_permission`."""
        found = {"limit": self.limits, "permission": self.permissions, "topic_permission": self.topic_permissions}
        return frozenset(kind for kind, held in found.items() if held)

    @property
    def count(self) -> int:
        """The number of all objects; `objects` sorts them, which takes long for many bindings."""
        named = (self.exchanges, self.queues, self.bindings, self.policies, self.operator_policies)
        return sum(map(len, (*named, self.limits, self.permissions, self.topic_permissions)))

    def holding(self, objects: Iterable[TopologyObject]) -> Topology:
        """Return this topology with exactly these objects, and all that a document says besides."""
        found = _gather(objects)
        return replace(
            self,
            exchanges=found.exchanges,
            queues=found.queues,
            bindings=found.bindings,
            policies=found.policies,
            operator_policies=found.operator_policies,
            limits=found.limits,
            permissions=found.permissions,
            topic_permissions=found.topic_permissions,
            twins=found.twins,
        )

    def without_access(self) -> Topology:
        """Return this topology without what operators and administrators set: operator policies and controls."""
        return replace(self.without_controls(), operator_policies={})

    def without_controls(self) -> Topology:
        """Return this topology without limits and permissions."""
        return replace(self, limits={}, permissions={}, topic_permissions={})

    def objects(self) -> tuple[TopologyObject, ...]:
        """Return all objects, sorted: exchanges, queues, policies, bindings, limits, permissions."""
        return (
            *sorted(self.exchanges.values(), key=_by_name),
            *sorted(self.queues.values(), key=_by_name),
            *sorted(self.policies.values(), key=_by_name),
            *sorted(self.operator_policies.values(), key=_by_name),
            *sorted(self.bindings, key=binding_order),
            *sorted(self.limits.values(), key=_by_name),
            *sorted(self.permissions.values(), key=_by_name),
            *(each for _, each in sorted(self.topic_permissions.items())),
        )


_by_name: Final = attrgetter("name")


def _gather(objects: Iterable[TopologyObject]) -> Topology:
    """Return a topology of these objects and nothing else."""
    exchanges, queues = dict[str, Exchange](), dict[str, Queue]()
    policies, operator_policies = dict[str, Policy](), dict[str, Policy]()
    bindings, twins = set[Binding](), set[Binding]()
    limits, permissions = dict[str, Limit](), dict[str, Permission]()
    topic_permissions = dict[tuple[str, str], TopicPermission]()
    for item in objects:
        match item:
            case Exchange():
                exchanges[item.name] = item
            case Queue():
                queues[item.name] = item
            case OperatorPolicy():
                operator_policies[item.name] = item
            case Policy():
                policies[item.name] = item
            case Binding():
                (twins if item in bindings else bindings).add(item)
            case Limit():
                limits[item.name] = item
            case Permission():
                permissions[item.user] = item
            case TopicPermission():
                topic_permissions[item.user, item.exchange] = item
    return Topology(
        exchanges=exchanges,
        queues=queues,
        bindings=frozenset(bindings),
        policies=policies,
        operator_policies=operator_policies,
        twins=frozenset(twins),
        limits=limits,
        permissions=permissions,
        topic_permissions=topic_permissions,
    )
