"""One virtual host of a RabbitMQ as `interfaces.Broker`: read over HTTP, declare over AMQP or HTTP."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, partial
from itertools import islice
from secrets import token_hex
from types import TracebackType
from typing import TYPE_CHECKING, Self

from attune_infra.background import run_in_background
from attune_infra.broker import faults, wire
from attune_infra.broker.management import Management
from attune_infra.errors import AccessRefused, BrokerError, VirtualHostMissing
from attune_infra.settings import Settings, Via
from attune_infra.topology.diff import Create, Update
from attune_infra.topology.facts.releases import FIRST_WITH_DEFAULT_QUEUE_TYPE, version_of
from attune_infra.topology.model import (
    Binding,
    End,
    Exchange,
    Message,
    Policy,
    Queue,
    Topology,
    TopologyObject,
    kind_of,
)
from attune_infra.topology.policy import expires
from attune_infra.topology.report import Outcome, Status
from attune_infra.topology.words import counted

if TYPE_CHECKING:
    from attune_infra.broker.amqp import Amqp
    from attune_infra.fleet.fleet import Depth
    from attune_infra.topology.probe import Arrival

THROWAWAY = "attune-infra probe"
"""How the names of virtual hosts begin that are made for a moment."""

_A_REQUEST = 50
"""Queues whose bindings to the default exchange cost as much to list as a request of its own."""
_SIDE_BY_SIDE = 4
"""Requests for bindings under way at once."""
_LOOKED_AT_ONCE = 50
"""Objects whose messages are counted together, just before they are deleted."""


class RabbitMQ:
    """A virtual host, as the settings name it. Nothing is opened before it is needed."""

    def __init__(self, settings: Settings, *, via: Via = Via.AMQP) -> None:
        self.settings = settings
        self.via = via
        self._opened: list[Management | Amqp] = []
        self._version: str | None = None
        self._queues_known = 0
        """How many queues there are, as far as is known: by that it is decided how to ask for bindings."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        told_to_end = kind is not None and not issubclass(kind, Exception)
        if told_to_end and "_amqp" in vars(self):
            self._amqp.forget()  # cut off amid a frame, it would not understand the broker's goodbye
        for opened in self._opened:
            opened.close()

    def check_http(self) -> str:
        self._version, self._queues_known = self._http.overview()
        return self._version

    def check_amqp(self) -> str:
        return self._amqp.version()

    def read(self, *, private: bool = False) -> Topology:
        """Ask for all lists at once, since the broker makes them side by side."""
        http, vhost = self._http, self.settings.virtual_host
        default_queue_type = self._default_queue_type
        queues_there = run_in_background(lambda: wire.queues_from(http.get("queues", vhost, **wire.QUEUES)))
        policies_there = run_in_background(self._policies)
        exchanges = http.get("exchanges", vhost, **wire.EXCHANGES)
        bindings: Sequence[Binding] = self._bindings([item["name"] for item in exchanges if item["name"]])
        queues: Sequence[Queue] = queues_there()
        if not private:
            queues, bindings = wire.without_private(queues, bindings)
        objects: list[TopologyObject] = [*wire.exchanges_from(exchanges), *queues, *bindings]
        return self._seen(objects, policies_there(), default_queue_type)

    def check_allowed(self, wanted: Iterable[TopologyObject]) -> None:
        if any(map(wire.is_transient, wanted)) and self._denies_transient_queues():
            raise faults.feature_denied(faults.TRANSIENT_QUEUES)

    def apply(self, changes: Iterable[Create | Update]) -> Iterator[Outcome]:
        waiting = list(changes)
        if self.via is Via.AMQP and not all(wire.needs_http(change.want) for change in waiting):
            self.check_amqp()
        self.check_allowed(change.want for change in waiting)
        denied, changed = faults.feature_denied(faults.TRANSIENT_QUEUES), False
        failed: set[End] = set()
        for step in self._steps(waiting):
            ready: list[Create | Update] = []
            for change in step:
                if lacking := _lacking(change.want, failed):
                    yield Outcome(change.want, Status.SKIPPED, f"{lacking} could not be made")
                else:
                    ready.append(change)
            for outcome in self._make(ready):
                if outcome.reason == denied.sentence and not changed:
                    raise denied
                if outcome.status is Status.FAILED and isinstance(outcome.object, Exchange | Queue):
                    failed.add((kind_of(outcome.object), outcome.object.name))
                yield outcome
                changed = True

    def delete(self, items: Iterable[TopologyObject], *, even_if_used: bool) -> Iterator[Outcome]:
        waiting = iter(items)
        while batch := list(islice(waiting, _LOOKED_AT_ONCE)):
            guarded = not even_if_used and any(isinstance(item, Queue) for item in batch)
            depths = self.depths() if guarded else {}
            for item in batch:
                yield self._delete_or_keep(item, depths, even_if_used=even_if_used)

    def contents(self, queue: str) -> tuple[int | None, int | None]:
        """Count messages, also those under way to a consumer, and consumers, both as they are now."""
        listing = self._http.get("queues", self.settings.virtual_host, **wire.with_totals(queue))["items"]
        found, _ = wire.without_private(wire.queues_from(listing), ())
        if not found or expires(found[0], self._seen(found, self._policies())):
            return next((item.get("messages") for item in listing), None), None
        return listing[0].get("messages"), self.consumer_counts([queue]).get(queue)

    def consumer_tags(self, queues: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        tags: dict[str, list[str]] = {queue: [] for queue in queues}
        listing = self._http.get("consumers", self.settings.virtual_host, columns="queue.name,consumer_tag")
        for item in listing:
            if item["queue"]["name"] in tags:
                tags[item["queue"]["name"]].append(item["consumer_tag"])
        return {queue: tuple(sorted(found)) for queue, found in tags.items()}

    def consumer_counts(self, queues: Collection[str]) -> Mapping[str, int]:
        return self._amqp.consumer_counts(queues)

    @contextmanager
    def throwaway(self) -> Iterator[RabbitMQ]:
        settings = replace(self.settings, virtual_host=f"{THROWAWAY} {token_hex(4)}")
        try:
            self._make_throwaway(settings)
            with RabbitMQ(settings, via=self.via) as own:
                yield own
        finally:
            self._remove_throwaway(settings.virtual_host)

    def arrivals(self, messages: Sequence[Message], queues: Collection[str]) -> Sequence[Arrival]:
        return self._amqp.arrivals(messages, queues)

    def _make_throwaway(self, settings: Settings) -> None:
        """Make a virtual host, of which who makes it over HTTP may use all; so may then who uses AMQP."""
        try:
            self._http.put(
                "vhosts", settings.virtual_host, body={"description": "made by attune-infra for a moment"}
            )
        except AccessRefused as error:
            raise faults.no_throwaway(settings) from error
        if settings.amqp.user != settings.management.user:
            everything = {"configure": ".*", "write": ".*", "read": ".*"}
            self._http.put("permissions", settings.virtual_host, settings.amqp.user, body=everything)

    def _remove_throwaway(self, name: str) -> None:
        try:
            self._http.delete("vhosts", name)
        except (AccessRefused, VirtualHostMissing):
            pass  # it could not even be made
        except BrokerError as error:
            raise faults.left_behind(name, error) from error

    def depths(self) -> Mapping[str, Depth]:
        return wire.depths_from(self._http.get("queues", self.settings.virtual_host, **wire.TOTALS))

    def publish(self, exchange: str, routing_key: str, body: str, *, message_id: str) -> bool:
        from attune_infra.broker.amqp import json_message

        return self._amqp.publish(exchange, routing_key, json_message(body, message_id))

    @cached_property
    def _http(self) -> Management:
        management = Management(self.settings)
        self._opened.append(management)
        return management

    @cached_property
    def _amqp(self) -> Amqp:
        from attune_infra.broker.amqp import Amqp

        connection = Amqp(self.settings)
        self._opened.append(connection)
        return connection

    def _bindings(self, sources: Sequence[str]) -> list[Binding]:
        """Return all bindings but, where that is cheaper, those of the default exchange, which nobody made."""
        if len(sources) > min(wire.FEW_EXCHANGES, self._queues_known // _A_REQUEST):
            return wire.bindings_from(self._http.get("bindings", self.settings.virtual_host, **wire.BINDINGS))
        shares = [sources[start::_SIDE_BY_SIDE] for start in range(_SIDE_BY_SIDE)]
        found = [run_in_background(partial(self._bindings_of, share)) for share in shares]
        return [binding for bindings in found for binding in bindings()]

    def _bindings_of(self, sources: Iterable[str]) -> list[Binding]:
        http, vhost = self._http, self.settings.virtual_host
        listings = (
            (source, http.get("exchanges", vhost, source, "bindings", "source", **wire.BINDINGS_OF_A_SOURCE))
            for source in sources
        )
        return [binding for source, listing in listings for binding in wire.bindings_of(source, listing)]

    def _policies(self) -> tuple[list[Policy], list[Policy]]:
        """Return the policies there are now, and those of operators."""
        http, vhost = self._http, self.settings.virtual_host
        policies, by_operators = http.get("policies", vhost), http.get("operator-policies", vhost)
        return wire.policies_from(policies), wire.policies_from(by_operators)

    def _seen(
        self,
        objects: Iterable[TopologyObject],
        policies: tuple[list[Policy], list[Policy]],
        default_queue_type: str = "classic",
    ) -> Topology:
        """Return a topology of what was read."""
        regular, by_operators = policies
        seen = Topology.of(
            (*objects, *regular), name=self.settings.virtual_host, default_queue_type=default_queue_type
        )
        return replace(seen, operator_policies={policy.name: policy for policy in by_operators})

    @cached_property
    def _default_queue_type(self) -> str:
        """Return what a queue becomes that names no type; raise `VirtualHostMissing` if there is no vhost."""
        version = version_of(self._version or self.check_http())
        listing = self._http.get("vhosts", columns="name,default_queue_type")
        known = {item["name"]: item.get("default_queue_type") for item in listing}
        if self.settings.virtual_host not in known:
            raise faults.virtual_host_missing(self.settings)
        default = known[self.settings.virtual_host]
        ignored = version < FIRST_WITH_DEFAULT_QUEUE_TYPE
        return "classic" if ignored or default in {None, "undefined"} else str(default)

    def _denies_transient_queues(self) -> bool:
        """Return whether it is known that a queue has to be durable or exclusive.

        RabbitMQ 3.10 lists no deprecated features, and 4.0 does not tell which of them are denied.
        """
        try:
            listing = self._http.get("deprecated-features")
        except BrokerError as error:
            if error.may_pass:
                raise
            return False
        return any(item["name"] == faults.TRANSIENT_QUEUES and item.get("state") == "denied" for item in listing)

    def _steps(self, changes: Sequence[Create | Update]) -> Iterator[Sequence[Create | Update]]:
        """Yield the changes that do not depend on each other, together, in an order in which they can be made.

        A transient queue goes ahead of everything: should it be denied, nothing else is changed.
        """
        ahead = next((change for change in changes if wire.is_transient(change.want)), None)
        if ahead is not None:
            yield [ahead]
        for kind in (Exchange, Queue, Policy, Binding):
            yield [change for change in changes if isinstance(change.want, kind) and change is not ahead]

    def _make(self, changes: Sequence[Create | Update]) -> Iterator[Outcome]:
        """Make objects of one kind, which do not depend on each other."""
        over_amqp: list[Exchange | Queue | Binding] = []
        for change in changes:
            if self.via is Via.HTTP or isinstance(change.want, Policy) or wire.needs_http(change.want):
                yield self._make_over_http(change)
            else:
                over_amqp.append(change.want)
        self._queues_known += sum(isinstance(item, Queue) for item in over_amqp)
        for item, reason in self._amqp.declare(over_amqp) if over_amqp else ():
            yield Outcome(item, Status.FAILED if reason else Status.CREATED, reason or "")

    def _delete_or_keep(self, item: TopologyObject, depths: Mapping[str, Depth], *, even_if_used: bool) -> Outcome:
        try:
            if isinstance(item, Queue) and not even_if_used and (reason := self._use(item, depths.get(item.name))):
                return Outcome(item, Status.KEPT, reason)
            self._delete(item, even_if_used=even_if_used)
        except VirtualHostMissing:
            pass  # a 404: somebody else was quicker
        except BrokerError as error:
            if even_if_used or not faults.is_used(error):
                return Outcome(item, Status.FAILED, error.sentence)
            if not isinstance(item, Queue):
                return Outcome(item, Status.KEPT, error.sentence)
            # Where the statistics do not know them yet, all that is certain is that there are some.
            return Outcome(item, Status.KEPT, self._contents_in_words(item) or "it is in use")
        return Outcome(item, Status.DELETED)

    def _use(self, queue: Queue, depth: Depth | None) -> str | None:
        """Return what a queue is used for, or None if nothing, or if its deletion sees to that."""
        if depth is None:
            return "its messages cannot be counted"
        if queue.type == "classic" and not depth:
            return None
        return self._contents_in_words(queue)

    def _contents_in_words(self, queue: Queue) -> str | None:
        messages, consumers = self.contents(queue.name)
        if consumers is None:
            consumers = len(self.consumer_tags([queue.name])[queue.name])
        if not (messages or consumers):
            return None
        return f"it holds {counted(messages, 'message')} and has {counted(consumers, 'consumer')}"

    def _delete(self, item: TopologyObject, *, even_if_used: bool) -> None:
        http, vhost = self._http, self.settings.virtual_host
        match item:
            case Exchange():
                http.delete("exchanges", vhost, item.name, **({} if even_if_used else {"if-unused": "true"}))
            case Queue():
                guarded = not even_if_used and item.type == "classic"  # the other types know no conditions
                conditions = {"if-empty": "true", "if-unused": "true"} if guarded else {}
                http.delete("queues", vhost, item.name, **conditions)
            case Policy():
                http.delete("policies", vhost, item.name)
            case Binding():
                place = wire.path_of(item, vhost)
                for twin in http.get(*place):
                    if wire.binding_from(twin, item.source) == item:
                        http.delete(*place, twin["properties_key"])

    def _make_over_http(self, change: Create | Update) -> Outcome:
        item, http, vhost = change.want, self._http, self.settings.virtual_host
        try:
            match item:
                case Exchange():
                    new = http.put("exchanges", vhost, item.name, body=wire.body_of(item))
                case Queue():
                    new = http.put("queues", vhost, item.name, body=wire.body_of(item))
                case Policy():
                    new = http.put("policies", vhost, item.name, body=wire.body_of(item))
                case Binding():
                    http.post(*wire.path_of(item, vhost), body=wire.body_of(item))
                    new = True
        except BrokerError as error:
            return Outcome(item, Status.FAILED, error.sentence)
        if isinstance(change, Update):
            return Outcome(item, Status.UPDATED, differences=change.differences)
        return Outcome(item, Status.CREATED if new else Status.UNCHANGED)


def _lacking(item: TopologyObject, failed: Collection[End]) -> str | None:
    """Return what an object needs and what could not be made."""
    if not isinstance(item, Binding):
        return None
    needs = (("exchange", item.source), (item.destination_type, item.destination))
    return next((f"{kind} {name}" for kind, name in needs if (kind, name) in failed), None)
