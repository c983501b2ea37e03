"""The topology that the rules look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import chain

from attune_infra.topology.facts.compatibility import Judgement, judgements
from attune_infra.topology.facts.policies import unsupported_keys
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
from attune_infra.topology.policy import matching_policies, policy_of
from attune_infra.topology.routing.index import Index, with_example_name
from attune_infra.topology.routing.reach import Reach

_LIMITS = ("x-message-ttl", "x-expires", "x-max-length", "x-max-length-bytes")


class Subject(Index):
    """The index of a topology, with what only rules need.

    `consumers` are the numbers of consumers by queue, as far as they are known. `beside` are the virtual hosts of
    the document. `unused` are the suppressions without a finding, set after all other rules have run.
    """

    def __init__(
        self,
        topology: Topology,
        version: Version,
        *,
        consumers: Mapping[str, int] | None = None,
        beside: Mapping[str, Topology] | None = None,
    ) -> None:
        super().__init__(topology, version)
        self.consumers = consumers or {}
        self.beside = beside or {}
        self.unused: tuple[Suppression, ...] = ()

    def virtual_host(self, name: str | None) -> Topology | None:
        """Return the topology of a virtual host: this one, or another one whose objects the document declares."""
        if name == self.topology.vhost:
            return self.topology
        found = None if name is None else self.beside.get(name)
        return found if found is not None and (found.exchanges or found.queues) else None

    @cached_property
    def exchanges(self) -> Sequence[Exchange]:
        """The exchanges of the topology; external ones are for their owner to judge."""
        return [exchange for exchange in super().exchanges if not exchange.external]

    @cached_property
    def queues(self) -> Sequence[Queue]:
        return [queue for queue in super().queues if not queue.external]

    @cached_property
    def reach(self) -> Reach:
        return Reach(self)

    @cached_property
    def unbounded(self) -> Sequence[Queue]:
        """The durable queues that keep messages for ever if no consumer takes them."""
        return [
            queue
            for queue in self.queues
            if queue.durable
            and not queue.auto_delete
            and self.topology.type_of(queue) != "stream"
            and all(self.setting(queue, limit) is None for limit in _LIMITS)
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
        """The objects that the release refuses, ignores or deprecates, with the part and the reason."""
        items: Iterable[TopologyObject] = chain(self.named, self.bindings)
        return [(item, found) for item in items for found in judgements(item, self.topology, self.version)]

    @cached_property
    def contests(self) -> Mapping[End, Sequence[Policy]]:
        """The policies that apply to each object, the one in effect first; objects without any are left out."""
        found: dict[End, Sequence[Policy]] = {}
        for item, matching in self._matching_policies:
            unsupported = self.unsupported_keys(item)
            policies = [policy for policy in matching if unsupported.isdisjoint(policy.definition)]
            if policies:
                chosen = policy_of(with_example_name(item), self.topology)
                policies.sort(key=lambda policy: (policy == chosen, policy.priority, policy.name), reverse=True)
                found[kind_of(item), item.name] = policies
        return found

    @cached_property
    def passed_over(self) -> Mapping[str, Mapping[str, str]]:
        """The policies that queues pass over for a key: by policy, a queue of each type that does so."""
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for item, matching in self._matching_policies:
            unsupported = self.unsupported_keys(item)
            for policy in matching:
                if isinstance(item, Queue) and not unsupported.isdisjoint(policy.definition):
                    found[policy.name].setdefault(self.topology.type_of(item), item.name)
        return found

    def unsupported_keys(self, item: Exchange | Queue) -> frozenset[str]:
        """Return the keys that keep a whole policy off an object."""
        if isinstance(item, Exchange):
            return frozenset()
        return unsupported_keys(self.topology.type_of(item), self.version)

    @cached_property
    def _matching_policies(self) -> Sequence[tuple[Exchange | Queue, Sequence[Policy]]]:
        """The policies that match each object; objects without any are left out."""
        policies = self.topology.policies
        if not policies:
            return ()
        found: list[tuple[Exchange | Queue, Sequence[Policy]]] = []
        items: Iterable[Exchange | Queue] = chain(super().exchanges, super().queues)
        for item in items:
            matching = list(matching_policies(with_example_name(item), policies, self.topology))
            if matching:
                found.append((item, matching))
        return found

    def part(self, item: Exchange | Queue, argument: str) -> str:
        """Return the part of an object that has a setting; empty if a policy sets it."""
        return argument if argument in item.arguments else ""
