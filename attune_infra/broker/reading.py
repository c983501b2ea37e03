"""Read a virtual host over HTTP: its objects, and the numbers of its queues."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final

from attune_infra.background import run_in_background
from attune_infra.broker import faults, wire
from attune_infra.broker.odd_bindings import recognize_missing_keys
from attune_infra.errors import BrokerError
from attune_infra.topology.facts.machinery import is_hidden
from attune_infra.topology.facts.releases import FIRST_WITH_DEFAULT_QUEUE_TYPE, version_of
from attune_infra.topology.model import Binding, Exchange, Policy, Queue, Topology, TopologyObject, as_read
from attune_infra.topology.policy import expires

if TYPE_CHECKING:
    from attune_infra.broker.connections import Connections
    from attune_infra.fleet.model import Depth

_QUEUES_PER_REQUEST: Final = 50
"""Listing the default exchange's bindings of so many queues costs as much as one request."""
_PARALLEL_REQUESTS: Final = 4


class Reader:
    """Reads one virtual host."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._settings, self._vhost = connections.settings, connections.settings.virtual_host
        self._version: str | None = None
        self._exchange_types: frozenset[str] | None = None
        self.known_queues = 0
        """Queues known to exist. Their number decides how to ask for bindings."""

    def version(self) -> str:
        """Return RabbitMQ's version; with the first answer, note its number of queues."""
        if self._version is None:
            overview = self._connections.overview()
            self._version, self.known_queues, self._exchange_types, *_ = overview
        return self._version

    def read(self, *, private: bool = False) -> Topology:
        """Return the objects of the virtual host. All lists are requested at once."""
        http = self._connections.http
        default_queue_type = self._default_queue_type
        queue_list = run_in_background(lambda: http.get("queues", self._vhost, **wire.QUEUES))
        policy_lists = run_in_background(self._policies)
        exchanges = http.get("exchanges", self._vhost, **wire.EXCHANGES)
        listed = self._bindings([item["name"] for item in exchanges if item["name"]])
        headers = {item["name"] for item in exchanges if item["type"] == "headers"}
        bindings = [
            as_read(each) if each.source in headers else each
            for each in recognize_missing_keys(listed, http, self._vhost)
        ]
        queues = queue_list()
        ends: list[Exchange | Queue] = [*wire.exchanges_from(exchanges), *wire.queues_from(queues)]
        objects, hidden = ([*ends, *bindings], None) if private else wire.split_hidden(ends, bindings)
        in_effect = wire.policies_in_effect("exchange", exchanges) | wire.policies_in_effect("queue", queues)
        topology = self._topology(objects, policy_lists(), default_queue_type)
        return replace(topology, hidden=hidden, in_effect=in_effect)

    def all_bindings(self) -> list[Binding]:
        """Return the bindings of the virtual host, with one request."""
        return recognize_missing_keys(self._listed_bindings(), self._connections.http, self._vhost)

    def contents(self, queue: str) -> tuple[int | None, int | None]:
        """Return the numbers of messages, unacknowledged ones included, and of consumers.

        The ready messages and the consumers are those of now, except for a queue with an expiry. Over HTTP, the
        number of messages in a quorum queue lags up to 5 seconds behind (seen on 3.10, 4.0 and 4.3).
        """
        listing = self._connections.http.get("queues", self._vhost, **wire.with_totals(queue))["items"]
        found = wire.queues_from(listing)
        total = listing[0].get("messages") if listing else None
        if not found or is_hidden(found[0]) or self._expires(found[0]):
            return total, None
        try:
            ready, consumers = self._connections.amqp.counts([queue]).get(queue, (None, None))
        except BrokerError:  # the AMQP port may be closed
            return total, None
        if total is None or ready is None:
            return total, consumers
        return (ready + total - listing[0]["messages_ready"]) or total, consumers

    def contents_at_most(self, queues: Collection[str]) -> Mapping[str, tuple[int | None, int | None]]:
        """Return upper bounds of the messages in queues, and their consumers.

        RabbitMQ's totals of a quorum queue lag up to 5 seconds behind, and only they tell the unacknowledged
        messages, so a quorum queue with consumers may hold any number. A stream is not counted at all.
        """
        chosen = set(queues)
        listing = self._connections.http.get("queues", self._vhost, **wire.QUEUES_WITH_TOTALS)
        depths = wire.depths_from(listing)
        found = [queue for queue in wire.queues_from(listing) if queue.name in chosen and queue.name in depths]
        counts = self._counts_of_lasting(found)
        return {
            queue.name: wire.most_contents(queue, depths[queue.name], counts.get(queue.name)) for queue in found
        }

    def _counts_of_lasting(self, queues: Iterable[Queue]) -> Mapping[str, tuple[int, int]]:
        """Return the ready messages and consumers of queues that can be counted without restarting an expiry."""
        policies = self._policies()
        topology = self._topology(queues, policies)
        lasting = [each.name for each in queues if not (is_hidden(each) or expires(each, topology))]
        try:
            return self._connections.amqp.counts(lasting)
        except BrokerError:  # the AMQP port may be closed
            return {}

    def _expires(self, queue: Queue) -> bool:
        return expires(queue, self._topology([queue], self._policies()))

    def depths(self) -> Mapping[str, Depth]:
        return wire.depths_from(self._connections.http.get("queues", self._vhost, **wire.TOTALS))

    def consumer_tags(self, queues: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        tags: dict[str, list[str]] = {queue: [] for queue in queues}
        for item in self._connections.http.get("consumers", self._vhost, columns="queue.name,consumer_tag"):
            if item["queue"]["name"] in tags:
                tags[item["queue"]["name"]].append(item["consumer_tag"])
        return {queue: tuple(sorted(found)) for queue, found in tags.items()}

    def _bindings(self, sources: Sequence[str]) -> list[Binding]:
        """Return all bindings; where it is cheaper, without asking for those of the default exchange."""
        if len(sources) > min(wire.MAX_SOURCES_LISTED_SINGLY, self.known_queues // _QUEUES_PER_REQUEST):
            return self._listed_bindings()
        shares = [sources[start::_PARALLEL_REQUESTS] for start in range(_PARALLEL_REQUESTS)]
        found = [run_in_background(partial(self._bindings_of, share)) for share in shares]
        return [binding for bindings in found for binding in bindings()]

    def _listed_bindings(self) -> list[Binding]:
        return wire.bindings_from(self._connections.http.get("bindings", self._vhost, **wire.BINDINGS))

    def _bindings_of(self, sources: Iterable[str]) -> list[Binding]:
        http, found = self._connections.http, list[Binding]()
        for source in sources:
            listing = http.get("exchanges", self._vhost, source, "bindings", "source", **wire.BINDINGS_OF_A_SOURCE)
            found += wire.bindings_of(source, listing)
        return found

    def _policies(self) -> tuple[list[Policy], list[Policy]]:
        """Return the policies and the operator policies."""
        http = self._connections.http
        policies, by_operators = http.get("policies", self._vhost), http.get("operator-policies", self._vhost)
        return wire.policies_from(policies), wire.policies_from(by_operators)

    def _topology(
        self,
        objects: Iterable[TopologyObject],
        policies: tuple[list[Policy], list[Policy]],
        default_queue_type: str = "classic",
    ) -> Topology:
        regular, by_operators = policies
        topology = Topology.of((*objects, *regular), name=self._vhost, default_queue_type=default_queue_type)
        return replace(
            topology,
            operator_policies={policy.name: policy for policy in by_operators},
            version=version_of(self.version()),
            exchange_types=self._exchange_types,
        )

    @cached_property
    def _default_queue_type(self) -> str:
        """The type of a queue that names none; raise `VirtualHostMissing` if the virtual host is missing."""
        version = version_of(self.version())
        listing = self._connections.http.get("vhosts", columns="name,default_queue_type")
        known = {item["name"]: item.get("default_queue_type") for item in listing}
        if self._vhost not in known:
            raise faults.virtual_host_missing(self._settings)
        default = known[self._vhost]
        ignored = version < FIRST_WITH_DEFAULT_QUEUE_TYPE
        return "classic" if ignored or default in {None, "undefined"} else str(default)
