"""A topology in which everything is found at once; what a worker owns is in it too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TypeVar

from attune_infra.topology.facts.exchanges import is_reserved
from attune_infra.topology.facts.releases import Version
from attune_infra.topology.model import Argument, Binding, End, Exchange, Policy, Queue, Topology, binding_order
from attune_infra.topology.policy import effective_arguments
from attune_infra.topology.routing.route import Routing
from attune_infra.topology.worker import PLACEHOLDER

_BOUNDS = ("x-message-ttl", "x-expires", "x-max-length", "x-max-length-bytes")
_SOME_WORKER = "1"

_T = TypeVar("_T", bound="Exchange | Queue")


class Indexed:
    """A topology and a release. Sequences are sorted.

    The queues and bindings of a worker family stand in it once, under the names that the document gives them.
    """

    def __init__(self, topology: Topology, version: Version) -> None:
        self.topology = _with_family(topology)
        self.version = version
        self._has_policies = bool(topology.policies or topology.operator_policies)
        self._effective: dict[str, Mapping[str, Argument]] = {}

    @cached_property
    def exchanges(self) -> Sequence[Exchange]:
        return sorted(self.topology.exchanges.values(), key=lambda exchange: exchange.name)

    @cached_property
    def queues(self) -> Sequence[Queue]:
        return sorted(self.topology.queues.values(), key=lambda queue: queue.name)

    @cached_property
    def bindings(self) -> Sequence[Binding]:
        return sorted(self.topology.bindings, key=binding_order)

    @cached_property
    def policies(self) -> Sequence[Policy]:
        return sorted(self.topology.policies.values(), key=lambda policy: policy.name)

    @property
    def named(self) -> Sequence[Exchange | Queue | Policy]:
        return [*self.exchanges, *self.queues, *self.policies]

    @cached_property
    def routing(self) -> Routing:
        return Routing(self.topology, version=self.version)

    @cached_property
    def into(self) -> Mapping[End, Sequence[Binding]]:
        """The bindings into each destination, by its kind and name."""
        found: dict[End, list[Binding]] = defaultdict(list)
        for binding in self.bindings:
            found[binding.destination_type, binding.destination].append(binding)
        return found

    @cached_property
    def out_of(self) -> Mapping[str, Sequence[Binding]]:
        """The bindings from each exchange."""
        found: dict[str, list[Binding]] = defaultdict(list)
        for binding in self.bindings:
            found[binding.source].append(binding)
        return found

    @cached_property
    def dead_letter_exchanges(self) -> Mapping[str, Sequence[Queue]]:
        """The queues whose dead letters each exchange gets."""
        found: dict[str, list[Queue]] = defaultdict(list)
        for queue in self.queues:
            if (target := self.text(queue, "x-dead-letter-exchange")) is not None:
                found[target].append(queue)
        return found

    @cached_property
    def alternates(self) -> Mapping[str, Sequence[Exchange]]:
        """The exchanges of which each one is the alternate exchange."""
        found: dict[str, list[Exchange]] = defaultdict(list)
        for exchange in self.exchanges:
            if (target := self.routing.alternate_of(exchange)) is not None:
                found[target].append(exchange)
        return found

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

    def source_type(self, binding: Binding) -> str:
        """Return the type of the exchange that a binding is from; empty, if there is none."""
        exchange = self.routing.exchange(binding.source)
        return exchange.type if exchange else ""

    def is_there(self, exchange: str) -> bool:
        """Return whether there is an exchange of this name, or could be: RabbitMQ's own are not all listed."""
        return self.routing.exchange(exchange) is not None or is_reserved(exchange)

    def setting(self, queue: Queue, argument: str) -> Argument:
        """Return what an argument and policies make of it together; None if nothing sets it."""
        if not self._has_policies:
            return queue.arguments.get(argument)
        if queue.name not in self._effective:
            self._effective[queue.name] = effective_arguments(filled(queue), self.topology)
        return self._effective[queue.name].get(argument)

    def text(self, queue: Queue, argument: str) -> str | None:
        """Return a setting that is a string; None if there is none."""
        found = self.setting(queue, argument)
        return found if isinstance(found, str) else None

    def part(self, item: Exchange | Queue, argument: str) -> str:
        """Return the part of an object at which its setting stands: nothing, if a policy has it."""
        return argument if argument in item.arguments else ""


def name_of(item: Exchange | Queue | Policy) -> str:
    """Return a name as it is on a broker: that of some worker's, where it stands for all."""
    return item.name if isinstance(item, Policy) else item.name.replace(PLACEHOLDER, _SOME_WORKER)


def filled(item: _T) -> _T:
    return item if PLACEHOLDER not in item.name else replace(item, name=name_of(item))


def _with_family(topology: Topology) -> Topology:
    family = topology.workers
    if family is None:
        return topology
    queues = {**topology.queues, **{queue.name: queue for queue in family.queues}}
    return replace(topology, queues=queues, bindings=topology.bindings | set(family.bindings))
