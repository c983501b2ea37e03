"""(have, want) -> changes, with RabbitMQ's own idea of equality.

Two objects are equal here if the broker would accept a declaration of the one while the other exists, and both
have the same effect: see `facts.redeclaration`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final, TypeAlias, TypeVar, cast

from attune_infra.dataclass import dataclass
from attune_infra.errors import InvalidInput
from attune_infra.topology.facts.controls import ATTRIBUTES, NO_LIMIT
from attune_infra.topology.facts.deletion import Companion
from attune_infra.topology.facts.patterns import claims
from attune_infra.topology.facts.redeclaration import (
    Treatment,
    are_equal,
    exchange_treatments,
    queue_treatments,
)
from attune_infra.topology.facts.releases import NEWEST
from attune_infra.topology.facts.unavailable import may_be_unlisted
from attune_infra.topology.facts.users import has_password
from attune_infra.topology.facts.virtual_hosts import SETTINGS, ignored_settings
from attune_infra.topology.model import (
    ABSENT,
    HIDDEN,
    Argument,
    Arguments,
    Binding,
    Control,
    Exchange,
    FederationUpstreamSet,
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
    Value,
    VirtualHost,
    binding_order,
    freeze,
    hide,
    kind_of,
    label,
    revealed,
    shown,
)
from attune_infra.topology.policy import PROVIDED_BY_POLICY, effective_definition, policies_like

_K = TypeVar("_K", str, tuple[str, str])
_T = TypeVar("_T", Exchange, Queue, Policy, User, Limit, Permission, TopicPermission, Parameter)


@dataclass(frozen=True, slots=True)
class Difference:
    """An attribute in which an object differs from the wanted one."""

    attribute: str
    have: Value
    want: Value


@dataclass(frozen=True, slots=True)
class Create:
    """Create a missing object."""

    want: TopologyObject


@dataclass(frozen=True, slots=True)
class Update:
    """Change a policy or a control in place; no other kind of object can be changed."""

    want: Policy | Control
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Recreate:
    """Delete and declare again, since RabbitMQ cannot change the object in place.

    RabbitMQ deletes other objects along with the old one: `again` are wanted and created again, `lost` are not.
    `instead` is a policy that makes it unnecessary, if a plan found one. `migrate` is the command that makes the
    change and keeps every message, if one does.
    """

    want: Exchange | Queue
    differences: tuple[Difference, ...]
    again: tuple[Companion, ...] = ()
    lost: tuple[Companion, ...] = ()
    instead: Policy | None = None
    migrate: str | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete an undeclared object; `again` and `lost` as for `Recreate`.

    An exchange is kept as long as it is the source of bindings: `kept_by` are those that it will have then.
    A binding that no request can delete alone is `stuck`, unless the plan deletes one of its ends.
    """

    have: TopologyObject
    again: tuple[Companion, ...] = ()
    lost: tuple[Companion, ...] = ()
    kept_by: tuple[Binding, ...] = ()
    stuck: bool = False


@dataclass(frozen=True, slots=True)
class Await:
    """Wait for an external object, which is missing or differs: only its owner can declare or change it."""

    want: Exchange | Queue
    differences: tuple[Difference, ...] = ()

    @property
    def reason(self) -> str:
        """The state of the object and the remedy, as the end of a sentence about it."""
        if self.differences:
            return "differs; it is external, so only its owner can change it"
        return "is missing; it is external, so its owner must declare it"


Changed: TypeAlias = Create | Update | Recreate | Await
"""A change to a wanted object."""

Change: TypeAlias = Changed | Delete


def diff(have: Topology, want: Topology) -> tuple[Changed, ...]:
    """Return the changes after which `have` holds all of `want`, in an order in which they can be made.

    Further objects of `have` are left alone: see `undeclared`.
    """
    return tuple(change for _, change in compare(have, want) if change is not None)


def compare(have: Topology, want: Topology) -> Iterator[tuple[TopologyObject, Changed | None]]:
    """Return every wanted object with the change that `have` needs for it, None if it needs none."""
    return ((item, change_of(item, have)) for item in want.objects())


def change_of(want: TopologyObject, have: Topology) -> Changed | None:
    """Return the change that a wanted object needs, None if it needs none."""
    match want:  # bindings and queues first, of which there are thousands
        case Binding():
            return None if have.holds(want) or may_be_unlisted(want, have) else Create(want)
        case Queue(external=False):
            queue = have.find_queue(want.name)
            if queue is None or _is_plainly_equal(queue, want, have):
                return Create(want) if queue is None else None
            return _recreate(want, _queue_differences(queue, want, have))
        case Exchange(external=False):
            exchange = have.find_exchange(want.name)
            return _recreate(want, _exchange_differences(exchange, want, have)) if exchange else Create(want)
        case Exchange() | Queue():
            return _await(want, have)
        case Policy():
            policy = policies_like(want, have).get(want.name)
            return _update(want, _policy_differences(policy, want)) if policy else Create(want)
        case VirtualHost() | User():
            return _change_of_owner(want, have)
        case Limit() | Permission() | TopicPermission():
            _insist_on_reading(want, have)
            control = find_control(want, have)
            return _update(want, _attributes(control, want, ATTRIBUTES[type(want)])) if control else Create(want)
        case Parameter() | GlobalParameter():
            _insist_on_reading(want, have)
            parameter = find_parameter(want, have)
            return _update(want, _parameter_differences(parameter, want)) if parameter else Create(want)


def _change_of_owner(want: VirtualHost | User, have: Topology) -> Changed | None:
    _insist_on_reading(want, have)
    if isinstance(want, User):
        user = have.users.get(want.name)
        return _update(want, _user_differences(user, want)) if user else Create(want)
    settings = have.virtual_host
    return _update(want, _settings_differences(settings, want, have)) if settings else Create(want)


def _insist_on_reading(want: Control, have: Topology) -> None:
    """Raise `InvalidInput` rather than take what was not read for missing."""
    if kind_of(want) in have.unread:
        raise InvalidInput(
            f"{label(want)} cannot be compared: the broker was not asked for it",
            hint="in a script, use Broker.plan(want), which asks for all that is wanted",
        )


def find_control(item: Control, topology: Topology) -> Control | None:
    """Return the control of a topology that has the kind and name of another one."""
    match item:
        case User():
            return topology.users.get(item.name)
        case VirtualHost():
            return topology.virtual_host
        case Limit():
            return topology.limits.get(item.name)
        case Permission():
            return topology.permissions.get(item.user)
        case TopicPermission():
            return topology.topic_permissions.get((item.user, item.exchange))
        case Parameter() | GlobalParameter():
            return find_parameter(item, topology)


def find_parameter(item: Parameter | GlobalParameter, topology: Topology) -> Parameter | GlobalParameter | None:
    """Return the parameter of a topology that has the component and name of another one."""
    if isinstance(item, GlobalParameter):
        return topology.global_parameters.get(item.name)
    return topology.parameters.get((item.component, item.name))


def undeclared(have: Topology, want: Topology) -> tuple[TopologyObject, ...]:
    """Return the objects that only `have` holds, in the order of `Topology.objects`.

    Operator policies are among them only if some are wanted: they are the business of another document. So are
    parameters of a component of which none is wanted, and those of the whole broker are never among them. Of its
    users, only those are among them that `want` manages by `manages_users`.
    """
    components = {component for component, _ in want.parameters}
    return (
        *_not_in(want.exchanges, have.exchanges),
        *_not_in(want.queues, have.queues),
        *_not_in(want.policies, have.policies),
        *(_not_in(want.operator_policies, have.operator_policies) if want.operator_policies else ()),
        *sorted(have.bindings - want.bindings, key=binding_order),
        *_not_in(want.users, managed_users(have, want)),
        *_not_in(want.limits, have.limits),
        *_not_in(want.permissions, have.permissions),
        *_not_in(want.topic_permissions, have.topic_permissions),
        *(each for each in _not_in(want.parameters, have.parameters) if each.component in components),
    )


def managed_users(have: Topology, want: Topology) -> Mapping[str, User]:
    """Return the users of a broker that a document manages, declared or not."""
    patterns = want.manages_users
    return {name: user for name, user in have.users.items() if any(claims(each, name) for each in patterns)}


def _not_in(want: Mapping[_K, _T], have: Mapping[_K, _T]) -> Iterator[_T]:
    return (have[name] for name in sorted(have.keys() - want.keys()))


def _recreate(want: Exchange | Queue, found: Iterator[Difference]) -> Recreate | None:
    differences = tuple(found)
    return Recreate(want, differences) if differences else None


def _await(want: Exchange | Queue, have: Topology) -> Await | None:
    """Compare an external object by its existence and, if the document says it, its type."""
    found = have.find_exchange(want.name) if isinstance(want, Exchange) else have.find_queue(want.name)
    if found is None:
        return Await(want)
    differs = want.type and found.type not in {None, want.type}
    return Await(want, (Difference("type", found.type, want.type),)) if differs else None


def _settings_differences(have: VirtualHost, want: VirtualHost, live: Topology) -> Iterator[Difference]:
    """Compare what is wanted, without what the release ignores."""
    ignored = dict(ignored_settings(want, live))
    names = [name for name in SETTINGS if getattr(want, name) is not None and name not in ignored]
    yield from _attributes(replace(have, protected_from_deletion=bool(have.protected_from_deletion)), want, names)


def _update(want: Policy | Control, found: Iterator[Difference]) -> Update | None:
    differences = tuple(found)
    return Update(want, differences) if differences else None


def _exchange_differences(have: Exchange, want: Exchange, live: Topology) -> Iterator[Difference]:
    yield from _attributes(have, want, ("type", "durable", "auto_delete", "internal"))
    yield from _argument_differences(have, want, live)


def _queue_differences(have: Queue, want: Queue, live: Topology) -> Iterator[Difference]:
    wanted_type = live.type_of(want)
    if have.type is not None and have.type != wanted_type:
        yield Difference("type", have.type, wanted_type)
    yield from _attributes(have, want, ("durable", "auto_delete", "exclusive"))
    yield from _argument_differences(have, want, live)


def _is_plainly_equal(have: Queue, want: Queue, live: Topology) -> bool:
    """Return True for queues without arguments that are equal; thousands of workers have such queues."""
    return (
        not (have.arguments or want.arguments)
        and have.type in {None, live.type_of(want)}
        and have.durable == want.durable
        and have.auto_delete == want.auto_delete
        and have.exclusive == want.exclusive
    )


def treatments(have: Exchange | Queue, live: Topology) -> Mapping[str, Treatment]:
    """Return the arguments in which a declaration must not differ from an existing object, with their treatment.

    RabbitMQ refuses the difference or, worse, accepts it and goes on acting on the existing value.
    """
    version = live.version or NEWEST
    if isinstance(have, Exchange):
        return exchange_treatments(have.type, version)
    return queue_treatments(live.type_of(have), version)


def _policy_differences(have: Policy, want: Policy) -> Iterator[Difference]:
    yield from _attributes(have, want, ("pattern", "apply_to", "priority"))
    for name in sorted(have.definition.keys() | want.definition.keys()):
        mine, wanted = have.definition.get(name, ABSENT), want.definition.get(name, ABSENT)
        if freeze(mine) != freeze(wanted):
            yield Difference(name, mine, wanted)


def _parameter_differences(
    have: Parameter | GlobalParameter, want: Parameter | GlobalParameter
) -> Iterator[Difference]:
    """Yield the differences key by key; of URIs whose credentials differ, only that they do."""
    mine, wanted = _by_key(have, revealed(have)), _by_key(want, revealed(want))
    for key in sorted(mine.keys() | wanted.keys()):
        before, after = mine.get(key, ABSENT), wanted.get(key, ABSENT)
        if freeze(before) == freeze(after):
            continue
        found = Difference(key, _for_eyes(before), _for_eyes(after))
        is_hidden = freeze(found.have) == freeze(found.want)
        yield replace(found, want=OTHER_CREDENTIALS) if is_hidden else found


OTHER_CREDENTIALS: Final = "the same with other credentials"
"""The wanted value of a difference between URIs that look the same without their credentials."""


def _by_key(item: Parameter | GlobalParameter, value: Argument) -> Mapping[str, Argument]:
    """Return a value by its keys, and the upstreams of a set by their names, whose order means nothing."""
    if isinstance(item, FederationUpstreamSet) and isinstance(value, list):
        return {str(each.get("upstream")) if isinstance(each, dict) else str(each): each for each in value}
    return value if isinstance(value, dict) else {"value": value}


def _for_eyes(value: Value) -> Value:
    return value if value is ABSENT else shown(hide(cast(Argument, value)))


def _user_differences(have: User, want: User) -> Iterator[Difference]:
    """Yield the differences of a user; that of a password tells neither of both."""
    if have.tags != want.tags:
        yield Difference("tags", [*sorted(have.tags)], [*sorted(want.tags)])
    if not has_password(have, want):
        yield Difference("password", HIDDEN, HIDDEN)
    for name in sorted(have.limits.keys() | want.limits.keys()):
        mine, wanted = have.limits.get(name, NO_LIMIT), want.limits.get(name, NO_LIMIT)
        if max(mine, NO_LIMIT) != max(wanted, NO_LIMIT):
            yield Difference(name, have.limits.get(name, ABSENT), want.limits.get(name, ABSENT))


def _attributes(have: object, want: object, names: Iterable[str]) -> Iterator[Difference]:
    for name in names:
        if (found := getattr(have, name)) != (wanted := getattr(want, name)):
            yield Difference(name, _listed(found), _listed(wanted))


def _listed(value: Value | tuple[str, ...]) -> Value:
    return list(value) if isinstance(value, tuple) else value


def _argument_differences(have: Exchange | Queue, want: Exchange | Queue, live: Topology) -> Iterator[Difference]:
    """Yield the differences in arguments that no policy in effect makes up for."""
    if not (have.arguments or want.arguments):
        return
    version = live.version or NEWEST
    provided: Arguments | None = None
    for name in sorted((have.arguments.keys() | want.arguments.keys()) & treatments(have, live).keys()):
        mine, wanted = have.arguments.get(name, ABSENT), want.arguments.get(name, ABSENT)
        if are_equal(name, mine, wanted, version):
            continue
        provided = effective_definition(have, live) if provided is None else provided
        if not is_provided(name, mine, wanted, provided):
            yield Difference(name, mine, wanted)


def is_provided(name: str, have: Value, want: Value, provided: Arguments) -> bool:
    """Return whether a policy provides a wanted argument that the object itself does not have.

    The wanted value is then in effect, though RabbitMQ would refuse to add it as an argument.
    """
    by_policy = provided.get(PROVIDED_BY_POLICY.get(name, ""), ABSENT)
    return have is ABSENT and want is not ABSENT and freeze(by_policy) == freeze(want)
