"""An index over a topology: its objects sorted, its bindings by their ends, and its settings with policies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TypeVar

from attune_infra.topology.facts.arguments import keeps_dead_letters
from attune_infra.topology.facts.exchanges import is_reserved
from attune_infra.topology.facts.releases import Version
from attune_infra.topology.model import Argument, Binding, End, Exchange, Policy, Queue, Topology, binding_order
from attune_infra.topology.policy import as_on_release, effective_arguments
from attune_infra.topology.routing.route import Routing
from attune_infra.topology.worker import PLACEHOLDER

_EXAMPLE_WORKER_ID = "1"

_T = TypeVar("_T", bound="Exchange | Queue")


class Index:
    """A topology and a release, for quick look-ups. Sequences are sorted.

    The queues and bindings of a worker family are in it once, under the names that the document gives them.
    """

    def __init__(self, topology: Topology, version: Version) -> None:
        self.topology = as_on_release(_with_family(topology), version)
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
        """The queues that send their dead letters to each exchange."""
        found: dict[str, list[Queue]] = defaultdict(list)
        for queue in self.queues:
            if (target := self.text(queue, "x-dead-letter-exchange")) is not None:
                found[target].append(queue)
        return found

    @cached_property
    def alternates(self) -> Mapping[str, Sequence[Exchange]]:
        """The exchanges that have each exchange as their alternate exchange."""
        found: dict[str, list[Exchange]] = defaultdict(list)
        for exchange in self.exchanges:
            if (target := self.routing.alternate_of(exchange)) is not None:
                found[target].append(exchange)
        return found

    def source_type(self, binding: Binding) -> str:
        """Return the type that the source of a binding routes as; empty if there is no such exchange."""
        exchange = self.routing.exchange(binding.source)
        return exchange.routing_type if exchange else ""

    def is_there(self, exchange: str) -> bool:
        """Return whether an exchange of this name exists, or may exist: not all of RabbitMQ's own are known."""
        return self.routing.exchange(exchange) is not None or is_reserved(exchange)

    def setting(self, queue: Queue, argument: str) -> Argument:
        """Return the value in effect, of the argument and of policies; None if neither sets it."""
        return self._settings(queue).get(argument)

    def keeps_dead_letters(self, queue: Queue) -> bool:
        """Return whether a queue keeps its dead letters until another queue has them."""
        return keeps_dead_letters(self.topology.type_of(queue), self._settings(queue))

    def text(self, queue: Queue, argument: str) -> str | None:
        """Return a setting that is a string; None if it is unset or of another type."""
        found = self.setting(queue, argument)
        return found if isinstance(found, str) else None

    def _settings(self, queue: Queue) -> Mapping[str, Argument]:
        """Return the arguments in effect on a queue, with what policies provide."""
        if not self._has_policies:
            return queue.arguments
        if queue.name not in self._effective:
            self._effective[queue.name] = effective_arguments(with_example_name(queue), self.topology)
        return self._effective[queue.name]


def example_name(item: Exchange | Queue | Policy) -> str:
    """Return a name as a broker could hold it: a worker's queue gets the id of some worker."""
    return item.name if isinstance(item, Policy) else item.name.replace(PLACEHOLDER, _EXAMPLE_WORKER_ID)


def with_example_name(item: _T) -> _T:
    """Return an object under its `example_name`."""
    return item if PLACEHOLDER not in item.name else replace(item, name=example_name(item))


def _with_family(topology: Topology) -> Topology:
    family = topology.workers
    if family is None:
        return topology
    queues = {**topology.queues, **{queue.name: queue for queue in family.queues}}
    return replace(topology, queues=queues, bindings=topology.bindings | set(family.bindings))
