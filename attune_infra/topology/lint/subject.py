"""What the rules look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import chain

from attune_infra.topology.facts.compatibility import Judgement, judgements
from attune_infra.topology.facts.releases import Version
from attune_infra.topology.model import (
    End,
    Exchange,
    Policy,
    Queue,
    Suppression,
    Topology,
    TopologyObject,
    kind_of,
)
from attune_infra.topology.policy import applicable_policies
from attune_infra.topology.routing.index import Index, with_example_name
from attune_infra.topology.routing.reach import Reach

_BOUNDS = ("x-message-ttl", "x-expires", "x-max-length", "x-max-length-bytes")


class Subject(Index):
    """What is linted, for one release.

    `consumers` tells how many consumers each queue has, where that is known. `unused` are suppressions that
    suppressed nothing, once that is known.
    """

    def __init__(
        self, topology: Topology, version: Version, *, consumers: Mapping[str, int] | None = None
    ) -> None:
        super().__init__(topology, version)
        self.consumers = consumers or {}
        self.unused: tuple[Suppression, ...] = ()

    @cached_property
    def reach(self) -> Reach:
        return Reach(self)

    @cached_property
    def unbounded(self) -> Sequence[Queue]:
        """The queues that stay, and keep what they get for as long as nobody takes it."""
        return [
            queue
            for queue in self.queues
            if queue.durable
            and not queue.auto_delete
            and self.topology.type_of(queue) != "stream"
            and all(self.setting(queue, bound) is None for bound in _BOUNDS)
        ]

    @cached_property
    def policies(self) -> Sequence[Policy]:
        return sorted(self.topology.policies.values(), key=lambda policy: policy.name)

    @property
    def named(self) -> Sequence[Exchange | Queue | Policy]:
        """All objects that have a name."""
        return [*self.exchanges, *self.queues, *self.policies]

    @cached_property
    def judgements(self) -> Sequence[tuple[TopologyObject, Judgement]]:
        """What the release does with each object."""
        items: Iterable[TopologyObject] = chain(self.named, self.bindings)
        return [(item, found) for item in items for found in judgements(item, self.topology, self.version)]

    @cached_property
    def contests(self) -> Mapping[End, Sequence[Policy]]:
        """The policies for each object that has any, the one in effect first; objects by their kind and name."""
        found: dict[End, Sequence[Policy]] = {}
        items: Iterable[Exchange | Queue] = chain(self.exchanges, self.queues)
        for item in items if self.topology.policies else ():
            policies = list(applicable_policies(with_example_name(item), self.topology.policies, self.topology))
            if policies:
                policies.sort(key=lambda policy: (policy.priority, policy.name), reverse=True)
                found[kind_of(item), item.name] = policies
        return found

    def part(self, item: Exchange | Queue, argument: str) -> str:
        """Return the part of an object that a setting stands in: nothing, if a policy sets it."""
        return argument if argument in item.arguments else ""
