"""A topology: all objects of a virtual host, and what a document says besides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from enum import StrEnum
from operator import attrgetter
from typing import Any, Final

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
    VirtualHost,
    binding_order,
    type_without_argument,
)
from attune_infra.topology.model.parameters import PARAMETER_TYPES, GlobalParameter, Parameter
from attune_infra.topology.model.secrets import SecretReference
from attune_infra.topology.model.users import User, whose_password
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

    `virtual_host` has its settings. A document of several has nothing but `virtual_hosts`: a topology for each.
    The first of them has the users, which the others know as `users_elsewhere`; those that the others give
    permissions to are `permitted_elsewhere`. Users are those of the whole broker; `manages_users` are patterns for
    their names as `manages` for the rest. A
    durable queue declared without a type gets the `default_queue_type`. Permissions are by user, topic
    permissions also by exchange, parameters by component and name; `unread` are the kinds of limits, permissions
    and parameters that the broker was not asked for, `own_users` the users who asked it. `manages` are regular
    expressions for the names that a document manages; undeclared objects with such a name may be pruned. `routes`
    are tests of the routing. `twins` are bindings that the broker holds more than once: it distinguishes integers
    of different width in arguments, and does not show it. `exchange_types` are the types that the broker can make,
    None if they are unknown. `version` is the release of the broker, or the one to assume; None is the newest.
    A broker that does not know `protected_from_deletion` of virtual hosts has it in `lacking`.
    `in_effect` has the names of policies in effect, as the broker says, empty for none: by `policy` or
    `operator_policy`, and the kind and name of an object. `hidden` are private queues, objects of plugins, and the
    bindings of both; `demands` are asked.
    """

    name: str = ""
    exchanges: Mapping[str, Exchange] = field(default_factory=dict)
    queues: Mapping[str, Queue] = field(default_factory=dict)
    bindings: frozenset[Binding] = frozenset()
    policies: Mapping[str, Policy] = field(default_factory=dict)
    operator_policies: Mapping[str, Policy] = field(default_factory=dict)
    users: Mapping[str, User] = field(default_factory=dict)
    limits: Mapping[str, Limit] = field(default_factory=dict)
    permissions: Mapping[str, Permission] = field(default_factory=dict)
    topic_permissions: Mapping[tuple[str, str], TopicPermission] = field(default_factory=dict)
    parameters: Mapping[tuple[str, str], Parameter] = field(default_factory=dict)
    global_parameters: Mapping[str, GlobalParameter] = field(default_factory=dict)
    virtual_host: VirtualHost | None = None
    virtual_hosts: Mapping[str, Topology] = field(default_factory=dict)
    permitted_elsewhere: frozenset[str] = field(default=frozenset(), compare=False)
    users_elsewhere: frozenset[str] = field(default=frozenset(), compare=False)
    unread: frozenset[str] = field(default=frozenset(), compare=False)
    own_users: frozenset[str] = field(default=frozenset(), compare=False)
    workers: WorkerFamily | None = None
    default_queue_type: str = "classic"
    manages: tuple[str, ...] = ()
    manages_users: tuple[str, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    twins: frozenset[Binding] = field(default=frozenset(), compare=False)
    routes: tuple[Route, ...] = ()
    exchange_types: frozenset[str] | None = field(default=None, compare=False)
    version: Version | None = field(default=None, compare=False)
    lacking: frozenset[str] = field(default=frozenset(), compare=False)
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
        more = tuple(objects)
        queues = {each.name: each for each in more if isinstance(each, Queue)}
        bindings = {each for each in more if isinstance(each, Binding)}
        return replace(self, queues={**self.queues, **queues}, bindings=self.bindings | bindings)

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
    def vhost(self) -> str:
        """The virtual host that it names; else its name, which a broker gives it."""
        return self.virtual_host.name if self.virtual_host else self.name

    @property
    def control_kinds(self) -> frozenset[str]:
        """The kinds of `CONTROL_KINDS` that there are; users also count if they are only managed, or permitted."""
        permitted = self.users_elsewhere and (self.permissions or self.topic_permissions)
        found = {
            "user": self.users or self.manages_users or permitted,
            "virtual_host": self.virtual_host,
            "limit": self.limits,
            "permission": self.permissions,
            "topic_permission": self.topic_permissions,
            "global_parameter": self.global_parameters,
        }
        kinds = (kind for kind, held in found.items() if held)
        return frozenset({*kinds, *(each.kind for each in self.parameters.values())})

    @property
    def count(self) -> int:
        """The number of all objects; `objects` sorts them, which takes long for many bindings."""
        named = (self.exchanges, self.queues, self.bindings, self.policies, self.operator_policies)
        controls = (self.users, self.limits, self.permissions, self.topic_permissions)
        here = self.virtual_host is not None
        return here + sum(map(len, (*named, *controls, self.parameters, self.global_parameters)))

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
            users=found.users,
            virtual_host=found.virtual_host,
            limits=found.limits,
            permissions=found.permissions,
            topic_permissions=found.topic_permissions,
            parameters=found.parameters,
            global_parameters=found.global_parameters,
            twins=found.twins,
        )

    def without_access(self) -> Topology:
        """Return this topology without what operators and administrators set: operator policies and controls."""
        return replace(self.without_controls(), operator_policies={})

    def without_controls(self) -> Topology:
        """Return this topology without settings of the virtual host, users, limits, permissions and parameters."""
        bare = replace(self, users={}, manages_users=(), limits={}, permissions={}, topic_permissions={})
        return replace(bare, virtual_host=None, parameters={}, global_parameters={})

    def with_passwords(self, read: Callable[[str, Sequence[str], str], str]) -> Topology:
        """Return this topology with the passwords that it refers to.

        `read` gets the kind of a place, its words, and the name of the secret for messages.
        """
        found = {
            name: replace(
                user, password=reference.with_secret(read(reference.kind, reference.words, whose_password(name)))
            )
            for name, user in self.users.items()
            if isinstance(reference := user.password, SecretReference)
        }
        return replace(self, users={**self.users, **found}) if found else self

    def objects(self) -> tuple[TopologyObject, ...]:
        """Return all objects, sorted: the virtual host, those that messages go through, users, other controls."""
        return (
            *([self.virtual_host] if self.virtual_host else ()),
            *sorted(self.exchanges.values(), key=_by_name),
            *sorted(self.queues.values(), key=_by_name),
            *sorted(self.policies.values(), key=_by_name),
            *sorted(self.operator_policies.values(), key=_by_name),
            *sorted(self.bindings, key=binding_order),
            *sorted(self.users.values(), key=_by_name),
            *sorted(self.limits.values(), key=_by_name),
            *sorted(self.permissions.values(), key=_by_name),
            *(each for _, each in sorted(self.topic_permissions.items())),
            *sorted(self.parameters.values(), key=_by_component),
            *sorted(self.global_parameters.values(), key=_by_name),
        )


_by_name: Final = attrgetter("name")
_COMPONENTS: Final = {component: number for number, component in enumerate(PARAMETER_TYPES)}


def _by_component(item: Parameter) -> tuple[int, str, str]:
    return (_COMPONENTS.get(item.component, len(_COMPONENTS)), item.component, item.name)


_by_user_and_exchange: Final = attrgetter("user", "exchange")
_by_component_and_name: Final = attrgetter("component", "name")
_FIELDS: Final[Mapping[type[TopologyObject], tuple[str, Callable[[Any], Any]]]] = {
    Exchange: ("exchanges", _by_name),
    Queue: ("queues", _by_name),
    Policy: ("policies", _by_name),
    OperatorPolicy: ("operator_policies", _by_name),
    User: ("users", _by_name),
    Limit: ("limits", _by_name),
    Permission: ("permissions", _by_name),
    TopicPermission: ("topic_permissions", _by_user_and_exchange),
    **dict.fromkeys((Parameter, *PARAMETER_TYPES.values()), ("parameters", _by_component_and_name)),
    GlobalParameter: ("global_parameters", _by_name),
}
"""The field of a topology for objects of a type, and their key in it."""


def _gather(objects: Iterable[TopologyObject]) -> Topology:
    """Return a topology of these objects and nothing else."""
    found: dict[str, Any] = {name: {} for name, _ in _FIELDS.values()}
    virtual_host: VirtualHost | None = None
    bindings, twins = set[Binding](), set[Binding]()
    for item in objects:
        if isinstance(item, Binding):
            before = len(bindings)
            bindings.add(item)  # which takes its hash once, and not for `in` too
            if len(bindings) == before:
                twins.add(item)
        elif isinstance(item, VirtualHost):
            virtual_host = item
        else:
            name, key_of = _FIELDS[type(item)]
            found[name][key_of(item)] = item
    return Topology(virtual_host=virtual_host, bindings=frozenset(bindings), twins=frozenset(twins), **found)
