"""One virtual host of a RabbitMQ as `interfaces.Broker`: read over HTTP, declare over AMQP or HTTP."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self

from attune_infra.broker import faults, wire
from attune_infra.broker.management import Management
from attune_infra.errors import BrokerError
from attune_infra.settings import Settings, Via
from attune_infra.topology.diff import Create, Update
from attune_infra.topology.model import Binding, Exchange, Policy, Queue, Topology, TopologyObject
from attune_infra.topology.report import Outcome, Status

if TYPE_CHECKING:
    from attune_infra.broker.amqp import Amqp

_FIRST_WITH_DEFAULT_QUEUE_TYPE = (3, 11)


class RabbitMQ:
    """A virtual host, as the settings name it. Nothing is opened before it is needed."""

    def __init__(self, settings: Settings, *, via: Via = Via.AMQP) -> None:
        self.settings = settings
        self.via = via
        self._opened: list[Management | Amqp] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for opened in self._opened:
            opened.close()

    def check_http(self) -> str:
        return self._http.version()

    def check_amqp(self) -> str:
        return self._amqp.version()

    def read(self) -> Topology:
        http, vhost = self._http, self.settings.virtual_host
        default_queue_type = self._default_queue_type()
        exchanges = http.get("exchanges", vhost, columns=wire.EXCHANGE_COLUMNS)
        queues = http.get("queues", vhost, columns=wire.QUEUE_COLUMNS)
        bindings = http.get("bindings", vhost, columns=wire.BINDING_COLUMNS)
        policies = http.get("policies", vhost)
        return Topology.of(
            (
                *wire.exchanges_from(exchanges),
                *wire.queues_from(queues),
                *wire.bindings_from(bindings, queues),
                *wire.policies_from(policies),
            ),
            name=vhost,
            default_queue_type=default_queue_type,
        )

    def apply(self, changes: Iterable[Create | Update]) -> Iterator[Outcome]:
        waiting = list(changes)
        if self.via is Via.AMQP and any(not isinstance(change.want, Policy) for change in waiting):
            self.check_amqp()
        failed: set[tuple[str, str]] = set()
        for kind in (Exchange, Queue, Policy, Binding):
            ready: list[Create | Update] = []
            for change in (change for change in waiting if isinstance(change.want, kind)):
                if lacking := _lacking(change.want, failed):
                    yield Outcome(change.want, Status.SKIPPED, f"{lacking} could not be made")
                else:
                    ready.append(change)
            for outcome in self._make(kind, ready):
                if outcome.status is Status.FAILED and isinstance(outcome.object, Exchange | Queue):
                    failed.add((kind.__name__.lower(), outcome.object.name))
                yield outcome

    def consumer_tags(self, queues: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        tags: dict[str, list[str]] = {queue: [] for queue in queues}
        listing = self._http.get("consumers", self.settings.virtual_host, columns="queue.name,consumer_tag")
        for item in listing:
            if item["queue"]["name"] in tags:
                tags[item["queue"]["name"]].append(item["consumer_tag"])
        return {queue: tuple(sorted(found)) for queue, found in tags.items()}

    def consumer_counts(self, queues: Collection[str]) -> Mapping[str, int]:
        listing = self._http.get(
            "queues", self.settings.virtual_host, columns="name,arguments,effective_policy_definition"
        )
        expiring = {item["name"] for item in listing if wire.has_expiry(item)}
        return self._amqp.consumer_counts([queue for queue in queues if queue not in expiring])

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

    def _default_queue_type(self) -> str:
        """Return what a queue becomes that names no type; raise `VirtualHostMissing` if there is no vhost."""
        major, minor = (int(part) for part in self.check_http().split(".")[:2])
        listing = self._http.get("vhosts", columns="name,default_queue_type")
        known = {item["name"]: item.get("default_queue_type") for item in listing}
        if self.settings.virtual_host not in known:
            raise faults.virtual_host_missing(self.settings)
        default = known[self.settings.virtual_host]
        ignored = (major, minor) < _FIRST_WITH_DEFAULT_QUEUE_TYPE
        return "classic" if ignored or default in {None, "undefined"} else str(default)

    def _make(self, kind: type[TopologyObject], changes: Sequence[Create | Update]) -> Iterator[Outcome]:
        """Make objects of one kind, which do not depend on each other."""
        if kind is Policy or self.via is Via.HTTP:
            yield from (self._make_over_http(change) for change in changes)
        else:
            declarable = [change.want for change in changes if not isinstance(change.want, Policy)]
            for item, reason in self._amqp.declare(declarable):
                yield Outcome(item, Status.FAILED if reason else Status.CREATED, reason or "")

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
                    kind = "q" if item.destination_type == "queue" else "e"
                    place = ("bindings", vhost, "e", item.source, kind, item.destination)
                    http.post(*place, body=wire.body_of(item))
                    new = True
        except BrokerError as error:
            return Outcome(item, Status.FAILED, error.sentence)
        if isinstance(change, Update):
            return Outcome(item, Status.UPDATED, differences=change.differences)
        return Outcome(item, Status.CREATED if new else Status.UNCHANGED)


def _lacking(item: TopologyObject, failed: Collection[tuple[str, str]]) -> str | None:
    """Return what an object needs and what could not be made."""
    if not isinstance(item, Binding):
        return None
    needs = (("exchange", item.source), (item.destination_type, item.destination))
    return next((f"{kind} {name}" for kind, name in needs if (kind, name) in failed), None)
