"""(have, want) -> changes, with RabbitMQ's own idea of equality.

Two objects are equal here if the broker would accept a declaration of the one while the other exists. Sources: the
equivalence checks of `queue.declare` and `exchange.declare`, tried on RabbitMQ 3.10, 4.0 and 4.3.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, TypeAlias, TypeVar

from attune_infra.topology.model import (
    Argument,
    Arguments,
    Binding,
    End,
    Exchange,
    Policy,
    Queue,
    Topology,
    TopologyObject,
    as_read,
    binding_order,
    freeze,
    kind_of,
)
from attune_infra.topology.policy import PROVIDED_BY_POLICY, effective_definition

_T = TypeVar("_T", Exchange, Queue, Policy)

COMPARED_QUEUE_ARGUMENTS: Final = frozenset({
    "x-dead-letter-exchange",
    "x-dead-letter-routing-key",
    "x-dead-letter-strategy",
    "x-delivery-limit",
    "x-expires",
    "x-initial-cluster-size",
    "x-max-age",
    "x-max-length",
    "x-max-length-bytes",
    "x-max-priority",
    "x-message-ttl",
    "x-overflow",
    "x-queue-leader-locator",
    "x-queue-master-locator",
    "x-queue-mode",
    "x-queue-version",
    "x-quorum-initial-group-size",
    "x-single-active-consumer",
    "x-stream-max-segment-size-bytes",
})  # fmt: skip
"""Arguments that a second declaration must repeat; the broker stores all others and never reads them."""

NOT_COMPARED_ON_CLASSIC: Final = frozenset({"x-delivery-limit"})
_COMPARED_ON_CLASSIC: Final = COMPARED_QUEUE_ARGUMENTS - NOT_COMPARED_ON_CLASSIC
COMPARED_EXCHANGE_ARGUMENTS: Final = frozenset({"alternate-exchange"})


class _Absent:
    """The value of an absent argument; not None, which a field table can hold."""

    def __repr__(self) -> str:
        return "none"


ABSENT: Final = _Absent()
Value: TypeAlias = "Argument | _Absent"


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
    """Change a policy in place; no other kind of object can be changed."""

    want: Policy
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Recreate:
    """Delete and declare again, since RabbitMQ cannot change the object in place.

    The bindings of the old object go with it: `bindings` are wanted again, `lost` are not.
    """

    want: Exchange | Queue
    differences: tuple[Difference, ...]
    bindings: tuple[Binding, ...] = ()
    lost: tuple[Binding, ...] = ()


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete an undeclared object."""

    have: TopologyObject


Changed: TypeAlias = Create | Update | Recreate
"""A change to a wanted object."""

Change: TypeAlias = Changed | Delete


def diff(have: Topology, want: Topology) -> tuple[Changed, ...]:
    """Return the changes after which `have` holds all of `want`, in an order in which they can be made.

    Further objects of `have` are left alone: see `undeclared`.
    """
    return tuple(change for _, change in compare(have, want) if change is not None)


def compare(have: Topology, want: Topology) -> Iterator[tuple[TopologyObject, Changed | None]]:
    """Return every wanted object with the change that `have` needs for it, None if it needs none."""
    comparison = Comparison(have, want)
    return ((item, comparison.change_of(item)) for item in want.objects())


class Comparison:
    """A comparison of the existing topology with the wanted one, object by object."""

    def __init__(self, have: Topology, want: Topology) -> None:
        self.have, self.want = have, want

    def change_of(self, item: TopologyObject) -> Changed | None:
        """Return the change that a wanted object needs, None if it needs none."""
        change = _change(self.have, item)
        return self._with_bindings(change) if isinstance(change, Recreate) else change

    def _with_bindings(self, change: Recreate) -> Recreate:
        """Add the bindings that go with an object when it is deleted."""
        gone = self._bindings_at[kind_of(change.want), change.want.name]
        wanted = [(binding, self._wanted(binding)) for binding in gone]
        return replace(
            change,
            bindings=tuple(want for _, want in wanted if want is not None),
            lost=tuple(binding for binding, want in wanted if want is None),
        )

    def _wanted(self, binding: Binding) -> Binding | None:
        """Return the wanted form of an existing binding, None if it is not wanted."""
        return binding if binding in self.want.bindings else self._wanted_as_read.get(binding)

    @cached_property
    def _wanted_as_read(self) -> Mapping[Binding, Binding]:
        return {as_read(binding): binding for binding in self.want.bindings}

    @cached_property
    def _bindings_at(self) -> Mapping[End, Sequence[Binding]]:
        """The bindings from or to each exchange or queue, by its kind and name."""
        found: dict[End, list[Binding]] = defaultdict(list)
        for binding in sorted(self.have.bindings, key=binding_order):
            ends = {("exchange", binding.source), (binding.destination_type, binding.destination)}
            for end in ends:
                found[end].append(binding)
        return found


def undeclared(have: Topology, want: Topology) -> tuple[TopologyObject, ...]:
    """Return the objects that only `have` holds, in the order of `Topology.objects`."""
    bindings = have.bindings - want.bindings
    if bindings:
        bindings -= set(map(as_read, want.bindings))
    return (
        *_not_in(want.exchanges, have.exchanges),
        *_not_in(want.queues, have.queues),
        *_not_in(want.policies, have.policies),
        *sorted(bindings, key=binding_order),
    )


def _not_in(want: Mapping[str, _T], have: Mapping[str, _T]) -> Iterator[_T]:
    return (have[name] for name in sorted(have.keys() - want.keys()))


def _change(have: Topology, want: TopologyObject) -> Changed | None:
    match want:
        case Exchange():
            exchange = have.exchanges.get(want.name)
            return _recreate(want, _exchange_differences(exchange, want, have)) if exchange else Create(want)
        case Queue():
            queue = have.queues.get(want.name)
            return _recreate(want, _queue_differences(queue, want, have)) if queue else Create(want)
        case Policy():
            policy = have.policies.get(want.name)
            return _update(want, _policy_differences(policy, want)) if policy else Create(want)
        case Binding():
            exists = want in have.bindings or as_read(want) in have.bindings
            return None if exists or _is_down(have, want) else Create(want)


def _recreate(want: Exchange | Queue, found: Iterator[Difference]) -> Recreate | None:
    differences = tuple(found)
    return Recreate(want, differences) if differences else None


def _update(want: Policy, found: Iterator[Difference]) -> Update | None:
    differences = tuple(found)
    return Update(want, differences) if differences else None


def _is_down(have: Topology, binding: Binding) -> bool:
    """Return whether the node of its queue is down, so that RabbitMQ 3.10 does not list a binding."""
    queue = have.queues.get(binding.destination)
    return binding.destination_type == "queue" and queue is not None and queue.state == "down"


def _exchange_differences(have: Exchange, want: Exchange, live: Topology) -> Iterator[Difference]:
    yield from _attributes(have, want, ("type", "durable", "auto_delete", "internal"))
    yield from _without_provided(
        _arguments(have.arguments, want.arguments, COMPARED_EXCHANGE_ARGUMENTS), have, live
    )


def _queue_differences(have: Queue, want: Queue, live: Topology) -> Iterator[Difference]:
    wanted_type = live.type_of(want)
    if have.type is not None and have.type != wanted_type:
        yield Difference("type", have.type, wanted_type)
    yield from _attributes(have, want, ("durable", "auto_delete", "exclusive"))
    if have.arguments or want.arguments:
        yield from _without_provided(
            _arguments(have.arguments, want.arguments, compared_arguments(have)), have, live
        )


def compared_arguments(queue: Queue) -> frozenset[str]:
    """Return the arguments that a declaration must have in common with an existing queue."""
    return _COMPARED_ON_CLASSIC if queue.type == "classic" else COMPARED_QUEUE_ARGUMENTS


def _policy_differences(have: Policy, want: Policy) -> Iterator[Difference]:
    yield from _attributes(have, want, ("pattern", "apply_to", "priority"))
    yield from _arguments(have.definition, want.definition, have.definition.keys() | want.definition.keys())


def _attributes(have: object, want: object, names: tuple[str, ...]) -> Iterator[Difference]:
    for name in names:
        if getattr(have, name) != getattr(want, name):
            yield Difference(name, getattr(have, name), getattr(want, name))


def _arguments(have: Arguments, want: Arguments, compared: Set[str]) -> Iterator[Difference]:
    for name in sorted((have.keys() | want.keys()) & compared):
        mine, wanted = have.get(name, ABSENT), want.get(name, ABSENT)
        if freeze(mine) != freeze(wanted):
            yield Difference(name, mine, wanted)


def _without_provided(found: Iterator[Difference], have: Exchange | Queue, live: Topology) -> Iterator[Difference]:
    """Return the differences in arguments that no policy in effect makes up for."""
    differences = tuple(found)
    provided = effective_definition(have, live) if differences else {}
    return (each for each in differences if not is_provided(each.attribute, each.have, each.want, provided))


def is_provided(name: str, have: Value, want: Value, provided: Arguments) -> bool:
    """Return whether a policy provides a wanted argument that the object itself does not have.

    The wanted value is then in effect, though RabbitMQ would refuse to add it as an argument.
    """
    by_policy = provided.get(PROVIDED_BY_POLICY.get(name, ""), ABSENT)
    return have is ABSENT and want is not ABSENT and freeze(by_policy) == freeze(want)
