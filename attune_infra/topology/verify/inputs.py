"""The two sides of a verification: what a broker answered, and what is wanted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import field, replace
from functools import cached_property
from itertools import chain

from attune_infra.dataclass import dataclass
from attune_infra.errors import AttuneError
from attune_infra.topology.model import Binding, Queue, Topology
from attune_infra.topology.worker import fill_each, objects_of, worker_family


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The answers of a broker: its version over each protocol, or the failure to get it.

    AMQP is None if it was not asked, and then it gets no check. `consumer_counts` lacks the queues whose consumers
    could not be counted without using the queue.
    """

    http: str | AttuneError
    amqp: str | AttuneError | None
    topology: Topology | None = None
    consumer_tags: Mapping[str, Sequence[str]] = field(default_factory=dict)
    consumer_counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """Demands beyond the topology itself."""

    worker_ids: tuple[int, ...] = ()
    require_consumers: bool = False
    strict: bool = False


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A wanted topology with the demanded workers; their objects are made when somebody asks for them."""

    topology: Topology
    demands: Demands

    @classmethod
    def of(cls, topology: Topology, demands: Demands) -> Wanted:
        """Return the wanted objects; raise `InvalidInput` if workers are demanded and the topology has none."""
        if demands.worker_ids:
            worker_family(topology)
        return cls(topology=topology, demands=demands)

    @cached_property
    def own(self) -> Mapping[int, Sequence[Queue | Binding]]:
        """The queues and bindings of the demanded workers."""
        return {each: objects_of(worker_family(self.topology), each) for each in self.demands.worker_ids}

    @cached_property
    def everything(self) -> Topology:
        """The wanted topology with the objects of the demanded workers."""
        return self.topology.plus(chain.from_iterable(self.own.values()))

    @cached_property
    def queues_of_workers(self) -> tuple[str, ...]:
        """The names of the demanded workers' queues."""
        ids = self.demands.worker_ids
        queues = worker_family(self.topology).queues if ids else ()
        return tuple(chain.from_iterable(zip(*(fill_each(queue.name, ids) for queue in queues), strict=True)))

    def without(self, worker_ids: Collection[int]) -> Wanted:
        """Return the same without some of the demanded workers."""
        if not worker_ids:
            return self
        left = tuple(each for each in self.demands.worker_ids if each not in worker_ids)
        return replace(self, demands=replace(self.demands, worker_ids=left))
