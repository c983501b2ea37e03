"""(have, want) -> changes; equality is RabbitMQ's, as it shows when something is declared again.

Two things are equal here if the broker would accept the one where the other exists. Sources: the equivalence
checks of `queue.declare` and `exchange.declare`, tried on RabbitMQ 3.10, 4.0 and 4.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from attune_infra.topology.model import (
    Argument,
    Arguments,
    Binding,
    Exchange,
    Policy,
    Queue,
    Topology,
    TopologyObject,
    frozen,
)

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
"""Arguments in which a second declaration must agree; the broker stores all others and never looks."""

NOT_COMPARED_ON_CLASSIC: Final = frozenset({"x-delivery-limit"})
COMPARED_EXCHANGE_ARGUMENTS: Final = frozenset({"alternate-exchange"})


class _Absent:
    """The value of an argument that is not there; not None, which a field table can hold."""

    def __repr__(self) -> str:
        return "none"


ABSENT: Final = _Absent()
Value: TypeAlias = "Argument | _Absent"


@dataclass(frozen=True, slots=True)
class Difference:
    """One attribute in which an object differs from the wanted one."""

    attribute: str
    have: Value
    want: Value


@dataclass(frozen=True, slots=True)
class Create:
    """Make what is missing."""

    want: TopologyObject


@dataclass(frozen=True, slots=True)
class Update:
    """Change a policy in place; nothing else can be."""

    want: Policy
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Recreate:
    """What RabbitMQ cannot change in place: only deleting and declaring again would do."""

    want: Exchange | Queue
    differences: tuple[Difference, ...]


Change: TypeAlias = Create | Update | Recreate


def diff(have: Topology, want: Topology) -> tuple[Change, ...]:
    """Return what must happen for `have` to hold all of `want`, in the order in which it can happen.

    What `have` holds beyond that is left alone: see `undeclared`.
    """
    return tuple(change for item in want.objects() if (change := _change(have, item)) is not None)


def undeclared(have: Topology, want: Topology) -> tuple[TopologyObject, ...]:
    """Return what `have` holds and `want` does not speak of."""
    return tuple(
        item
        for item in have.objects()
        if (isinstance(item, Binding) and item not in want.bindings)
        or (isinstance(item, Exchange) and item.name not in want.exchanges)
        or (isinstance(item, Queue) and item.name not in want.queues)
        or (isinstance(item, Policy) and item.name not in want.policies)
    )


def _change(have: Topology, want: TopologyObject) -> Change | None:
    match want:
        case Exchange():
            exchange = have.exchanges.get(want.name)
            return _recreate(want, _exchange_differences(exchange, want)) if exchange else Create(want)
        case Queue():
            queue, default = have.queues.get(want.name), have.default_queue_type
            return _recreate(want, _queue_differences(queue, want, default)) if queue else Create(want)
        case Policy():
            policy = have.policies.get(want.name)
            return _update(want, _policy_differences(policy, want)) if policy else Create(want)
        case Binding():
            return None if want in have.bindings else Create(want)


def _recreate(want: Exchange | Queue, found: Iterator[Difference]) -> Recreate | None:
    differences = tuple(found)
    return Recreate(want, differences) if differences else None


def _update(want: Policy, found: Iterator[Difference]) -> Update | None:
    differences = tuple(found)
    return Update(want, differences) if differences else None


def _exchange_differences(have: Exchange, want: Exchange) -> Iterator[Difference]:
    yield from _attributes(have, want, ("type", "durable", "auto_delete", "internal"))
    yield from _arguments(have.arguments, want.arguments, COMPARED_EXCHANGE_ARGUMENTS)


def _queue_differences(have: Queue, want: Queue, default_type: str) -> Iterator[Difference]:
    wanted_type = want.type or type_without_argument(want, default_type)
    if have.type is not None and have.type != wanted_type:
        yield Difference("type", have.type, wanted_type)
    yield from _attributes(have, want, ("durable", "auto_delete", "exclusive"))
    ignored = NOT_COMPARED_ON_CLASSIC if have.type == "classic" else frozenset()
    yield from _arguments(have.arguments, want.arguments, COMPARED_QUEUE_ARGUMENTS - ignored)


def type_without_argument(queue: Queue, default_type: str) -> str:
    """Return the type that a declaration without `x-queue-type` gets.

    Only what could be of any type takes the virtual host's default; the rest becomes classic.
    """
    return default_type if queue.durable and not queue.auto_delete and not queue.exclusive else "classic"


def _policy_differences(have: Policy, want: Policy) -> Iterator[Difference]:
    yield from _attributes(have, want, ("pattern", "apply_to", "priority"))
    yield from _arguments(have.definition, want.definition, have.definition.keys() | want.definition.keys())


def _attributes(have: object, want: object, names: tuple[str, ...]) -> Iterator[Difference]:
    for name in names:
        if getattr(have, name) != getattr(want, name):
            yield Difference(name, getattr(have, name), getattr(want, name))


def _arguments(have: Arguments, want: Arguments, compared: frozenset[str] | set[str]) -> Iterator[Difference]:
    for name in sorted((have.keys() | want.keys()) & compared):
        mine, wanted = have.get(name, ABSENT), want.get(name, ABSENT)
        if frozen(mine) != frozen(wanted):
            yield Difference(name, mine, wanted)
