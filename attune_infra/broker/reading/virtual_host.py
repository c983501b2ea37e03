"""Read a virtual host over HTTP: its objects, and the numbers of its queues."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final

from attune_infra.background import run_in_background, run_in_shares
from attune_infra.broker import answers, wire
from attune_infra.broker.controls import list_virtual_hosts, read_controls
from attune_infra.broker.failures import faults
from attune_infra.broker.lists import Lists
from attune_infra.broker.reading.consumers import consumer_tags, sees_all_consumers
from attune_infra.broker.reading.leaders import has_leader
from attune_infra.broker.reading.odd_bindings import recognize_missing_keys
from attune_infra.errors import BrokerError, VirtualHostMissing
from attune_infra.topology.facts.machinery import is_hidden
from attune_infra.topology.facts.releases import FIRST_WITH_DEFAULT_QUEUE_TYPE, version_of
from attune_infra.topology.facts.virtual_hosts import lacking_settings
from attune_infra.topology.model import (
    CONTROL_KINDS,
    KINDS_OF_BROKER,
    Binding,
    Exchange,
    OperatorPolicy,
    Policy,
    Queue,
    Topology,
    TopologyObject,
    as_read,
)
from attune_infra.topology.policy import counting_restarts_expiry

if TYPE_CHECKING:
    from attune_infra.broker.connections import Connections
    from attune_infra.fleet.metrics import QueueStatistics
    from attune_infra.fleet.model import Depth
    from attune_infra.topology.facts.quorum import Members

_QUEUES_PER_REQUEST: Final = 50
"""Listing the default exchange's bindings of so many queues costs as much as one request."""
_PARALLEL_REQUESTS: Final = 16
"""Requests on the way at once; each wait for one costs a round trip to a broker that may be far away."""
_MAX_PATTERNS: Final = 8
"""Patterns of names, each with a request of its own, that are asked before all queues are listed instead."""


class Reader:
    """Reads one virtual host."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._settings, self._vhost = connections.settings, connections.settings.virtual_host
        self._version: str | None = None
        self._exchange_types: frozenset[str] | None = None
        self.known_queues = 0
        """Queues known to exist. Their number decides how to ask for bindings."""
        self._first = True
        self._hosts: Sequence[wire.Json] | None = None
        """The virtual hosts with their settings, as the latest read listed them."""

    def version(self) -> str:
        """Return RabbitMQ's version; with the first answer, note its number of queues."""
        if self._version is None:
            overview = self._connections.overview()
            self._version, self.known_queues, self._exchange_types, *_ = overview
        return self._version

    def read(self, *, private: bool = False, controls: Collection[str] = ()) -> Topology:
        """Return the objects of the virtual host, with the asked controls. All lists are requested at once.

        Raise `VirtualHostMissing` if it is missing, whatever the lists say.
        """
        self.version()  # before several threads ask for it
        if "virtual_host" in controls:
            self._hosts = self._list_hosts()
            if not self._exists:
                return self._missing(controls)
        lists = self._lists()
        topology = self._read(lists, private=private, controls=controls)
        return topology if lists.are_complete() else self.read(private=private, controls=controls)

    def _lists(self) -> Lists:
        """Return the lists to read; the first ones may be cut from lists that several readers share."""
        shared, self._first = self._connections.shared if self._first else None, False
        whole = None if shared is None else shared.lists(self.known_queues, len(self._hosts or ()))
        return Lists(self._connections.http, self._vhost, whole)

    def _read(self, lists: Lists, *, private: bool, controls: Collection[str]) -> Topology:
        http = self._connections.http
        controls_of = partial(read_controls, http, self._vhost, controls, lists, self._hosts or ())
        control_lists = run_in_background(controls_of) if controls else controls_of
        queue_list = run_in_background(lambda: lists.get("queues", shape=answers.QUEUES, **wire.QUEUES))
        policy_lists = run_in_background(partial(self._policies, lists))
        exchange_list = run_in_background(
            lambda: lists.get("exchanges", shape=answers.EXCHANGES, **wire.EXCHANGES)
        )
        default_queue_type = run_in_background(lambda: self._default_queue_type)
        try:
            exchanges = exchange_list()
        except BrokerError:
            default_queue_type()  # a missing virtual host has an error of its own
            raise
        listed = self._bindings([item["name"] for item in exchanges if item["name"]], lists)
        headers = {item["name"] for item in exchanges if item["type"] == "headers"}
        bindings = [
            as_read(each) if each.source in headers else each
            for each in recognize_missing_keys(listed, http, self._vhost)
        ]
        queues = queue_list()
        ends: list[Exchange | Queue] = [*wire.exchanges_from(exchanges), *wire.queues_from(queues)]
        objects, hidden = ([*ends, *bindings], None) if private else wire.split_hidden(ends, bindings)
        in_effect = wire.policies_in_effect("exchange", exchanges) | wire.policies_in_effect("queue", queues)
        topology = self._topology([*objects, *control_lists()], policy_lists(), default_queue_type())
        unread = CONTROL_KINDS - set(controls)
        return replace(topology, hidden=hidden, in_effect=in_effect, unread=unread, own_users=self.own_users)

    def _list_hosts(self) -> Sequence[wire.Json]:
        """Return the virtual hosts with their settings; the first list may be one that several readers share."""
        http, shared = self._connections.http, self._connections.shared
        ask = partial(list_virtual_hosts, http)
        return ask() if shared is None or self._hosts is not None else shared.virtual_hosts(ask)

    def _missing(self, controls: Collection[str]) -> Topology:
        """Return the topology of a virtual host that is still to be made: the broker's users are there already."""
        http, unread = self._connections.http, CONTROL_KINDS - set(controls)
        found = read_controls(http, self._vhost, KINDS_OF_BROKER.intersection(controls), self._lists())
        return replace(self._topology(found, ([], [])), unread=unread, own_users=self.own_users)

    @property
    def _exists(self) -> bool:
        try:
            return bool(self._default_queue_type)
        except VirtualHostMissing:
            return False

    @property
    def own_users(self) -> frozenset[str]:
        return frozenset({self._settings.amqp.user, self._settings.management.user})

    def all_bindings(self) -> list[Binding]:
        """Return the bindings of the virtual host, with one request."""
        http = self._connections.http
        return recognize_missing_keys(Lists(http, self._vhost).bindings(), http, self._vhost)

    def members(self) -> Mapping[str, Members | None]:
        """Return the members of each quorum queue and stream; None for a stream whose members are not told."""
        listing = self._connections.http.get(
            "queues", self._vhost, shape=answers.MEMBERS_OF_QUEUES, **wire.MEMBERS
        )
        return {each["name"]: wire.members_from(each) for each in listing if each["type"] in {"quorum", "stream"}}

    def contents(self, queue: str) -> tuple[int | None, int | None]:
        """Return the numbers of messages, unacknowledged ones included, and of consumers; None if it is unknown.

        The ready messages and the consumers are those of now; the consumers of a stream, and of a classic queue
        with an expiry, are unknown. Over HTTP, the number of messages in a quorum queue lags up to 5 seconds
        behind (seen on 3.10, 4.0 and 4.3).
        """
        listing = self._listing_of(queue)
        found = wire.queues_from(listing)
        total = listing[0].get("messages") if listing else None
        ready, consumers = self._counts(found).get(queue, (None, None))
        if ready is None and found and found[0].type == "quorum":
            return total or None, consumers  # a number that lags: not even 0 is certain
        if total is None or ready is None:
            return total, consumers
        return (ready + total - listing[0].get("messages_ready", 0)) or total, consumers

    def contents_by_all_means(self, queue: str) -> tuple[int | None, int | None]:
        """Return the numbers of `contents`, and if AMQP does not tell consumers, those of the statistics."""
        messages, consumers = self.contents(queue)
        if consumers is None:
            with suppress(BrokerError):  # the statistics may be switched off
                consumers = len(self.consumer_tags([queue])[queue])
        return messages, consumers

    def exists(self, queue: str) -> bool:
        return bool(self._listing_of(queue))

    def _listing_of(self, queue: str) -> Sequence[wire.Json]:
        """Return the entry of a queue in the list, with its current numbers; nothing if the queue is missing."""
        http, shape = self._connections.http, answers.QUEUES_WITH_TOTALS_FOUND
        found: Sequence[wire.Json] = http.get("queues", self._vhost, shape=shape, **wire.with_totals(queue))[
            "items"
        ]
        return found

    def _listing_with_totals(self) -> Sequence[wire.Json]:
        http, shape = self._connections.http, answers.QUEUES_WITH_TOTALS
        found: Sequence[wire.Json] = http.get("queues", self._vhost, shape=shape, **wire.QUEUES_WITH_TOTALS)
        return found

    def contents_at_most(self, queues: Collection[str]) -> Mapping[str, tuple[int | None, int | None]]:
        """Return upper bounds of the messages in queues, and their consumers.

        RabbitMQ's totals of a quorum queue lag up to 5 seconds behind, and only they tell the unacknowledged
        messages, so a quorum queue with consumers may hold any number. A stream is not counted at all.
        """
        chosen = set(queues)
        listing = self._listing_with_totals()
        depths = wire.depths_from(listing)
        found = [queue for queue in wire.queues_from(listing) if queue.name in chosen and queue.name in depths]
        counts = self._counts(found)
        return {
            queue.name: wire.most_contents(queue, depths[queue.name], counts.get(queue.name)) for queue in found
        }

    def ready(self, queues: Collection[str]) -> Mapping[str, int]:
        """Return the ready messages of each queue; one that is missing, or has no leader, is left out."""
        counts = dict(self._connections.amqp.counts(queues))
        if any(counted == (0, 0) for counted in counts.values()):
            self._drop_leaderless(counts, wire.queues_from(self._listing_with_totals()))
        return {queue: ready for queue, (ready, _) in counts.items()}

    def listed_as_empty(self, queues: Collection[str]) -> Mapping[str, Queue]:
        """Return those of these queues in which RabbitMQ's totals, which may lag, have no message."""
        listing, chosen = self._listing_with_totals(), set(queues)
        depths = wire.depths_from(listing)
        found = (item for item in listing if item["name"] in chosen and item["name"] in depths)
        return {each.name: each for each in wire.queues_from(found) if not depths[each.name]}

    def empty_with_leader(self, queues: Sequence[Queue]) -> Sequence[Queue]:
        """Return those quorum queues that have no message and no consumer now, and a leader that knows.

        `queues` are as the broker has just listed them.
        """
        counts = self._connections.amqp.counts([each.name for each in queues])
        empty = [each for each in queues if counts.get(each.name) == (0, 0)]
        http, version = self._connections.http, version_of(self.version())

        def with_leader(share: Sequence[Queue]) -> list[Queue]:
            return [each for each in share if has_leader(http, self._vhost, each, version)]

        return [each for share in run_in_shares(with_leader, empty, _PARALLEL_REQUESTS) for each in share]

    def _counts(self, queues: Sequence[Queue]) -> Mapping[str, tuple[int | None, int | None]]:
        """Return the ready messages and consumers of queues, as far as AMQP tells them without being a use."""
        if not queues:
            return {}
        topology = self._topology(queues, self._policies(Lists(self._connections.http, self._vhost)))
        lasting = [
            each.name for each in queues if not (is_hidden(each) or counting_restarts_expiry(each, topology))
        ]
        try:
            counts = dict(self._connections.amqp.counts(lasting))
        except BrokerError:  # the AMQP port may be closed
            return {}
        self._drop_leaderless(counts, queues)
        streams = {each.name for each in queues if each.type == "stream"}  # RabbitMQ says 0 for any consumers
        return {name: (ready, None if name in streams else found) for name, (ready, found) in counts.items()}

    def _drop_leaderless(self, counts: dict[str, tuple[int, int]], queues: Iterable[Queue]) -> None:
        """Drop the numbers of quorum queues without a leader, for which RabbitMQ says 0 and 0."""
        version = version_of(self.version())
        for each in queues:
            may_lack_leader = each.type == "quorum" and counts.get(each.name) == (0, 0)
            if may_lack_leader and not has_leader(self._connections.http, self._vhost, each, version):
                del counts[each.name]

    def depths(self) -> Mapping[str, Depth]:
        http = self._connections.http
        return wire.depths_from(http.get("queues", self._vhost, shape=answers.TOTALS, **wire.TOTALS))

    def consumer_tags(self, queues: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        http, sees_all = self._connections.http, run_in_background(lambda: self._sees_all_consumers)
        return consumer_tags(http, self._vhost, queues, sees_all=sees_all)

    @cached_property
    def _sees_all_consumers(self) -> bool:
        return sees_all_consumers(self._connections.http)

    def statistics(self, queues: Collection[str]) -> Mapping[str, QueueStatistics]:
        """Return the statistics of these queues.

        RabbitMQ takes long to list those of all queues, so only many patterns of names are worth that.
        """
        http, patterns = self._connections.http, list(wire.patterns_of(sorted(queues)))
        if len(patterns) > _MAX_PATTERNS:
            listing = http.get("queues", self._vhost, shape=answers.STATISTICS, **wire.STATISTICS)
            found = wire.statistics_from(listing)
            return {name: found[name] for name in found.keys() & set(queues)}
        queries = (wire.STATISTICS | wire.page_of(pattern) for pattern in patterns)
        shape = answers.STATISTICS_FOUND
        pages = (http.get("queues", self._vhost, shape=shape, **query) for query in queries)
        return wire.statistics_from(item for page in pages for item in page["items"])

    def _bindings(self, sources: Sequence[str], lists: Lists) -> list[Binding]:
        """Return all bindings; where it is cheaper, without asking for those of the default exchange."""
        queues_here = self.known_queues // max(1, len(self._hosts or ()))
        singly = min(wire.MAX_SOURCES_LISTED_SINGLY, queues_here // _QUEUES_PER_REQUEST)
        if lists.are_whole or len(sources) > singly:
            return lists.bindings()
        shares = run_in_shares(self._bindings_of, sources, _PARALLEL_REQUESTS)
        return [binding for share in shares for binding in share]

    def _bindings_of(self, sources: Iterable[str]) -> list[Binding]:
        http, found = self._connections.http, list[Binding]()
        query, shape = wire.BINDINGS_OF_A_SOURCE, answers.BINDINGS_OF_A_SOURCE
        for source in sources:
            place, read = (self._vhost, source, "bindings", "source"), partial(wire.bindings_of, source)
            found += http.get_list("exchanges", *place, shape=shape, read=read, **query)
        return found

    @staticmethod
    def _policies(lists: Lists) -> tuple[list[Policy], list[Policy]]:
        """Return the policies and the operator policies."""
        kinds = ("policies", "operator-policies")
        begun = [run_in_background(partial(lists.get, kind, shape=answers.POLICIES)) for kind in kinds]
        regular, by_operators = (answer() for answer in begun)
        return wire.policies_from(regular), wire.policies_from(by_operators, OperatorPolicy)

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
            lacking=lacking_settings(self.version()),
            exchange_types=self._exchange_types,
        )

    @cached_property
    def _default_queue_type(self) -> str:
        """The type of a queue that names none; raise `VirtualHostMissing` if the virtual host is missing."""
        version = version_of(self.version())
        http, columns = self._connections.http, "name,default_queue_type"
        listing = self._hosts
        if listing is None:
            listing = http.get("vhosts", shape=answers.VIRTUAL_HOSTS_IN_CHANGE, columns=columns)
        known = {item["name"]: item.get("default_queue_type") for item in listing if "name" in item}
        if self._vhost not in known and len(known) < len(listing):
            listing = http.get("vhosts", shape=answers.VIRTUAL_HOSTS, columns=columns)
            known = {item["name"]: item.get("default_queue_type") for item in listing}
        if self._vhost not in known:
            raise faults.virtual_host_missing(self._settings)
        default = known[self._vhost]
        ignored = version < FIRST_WITH_DEFAULT_QUEUE_TYPE
        return "classic" if ignored or default in {None, "undefined"} else str(default)
