"""Create and update objects of a virtual host, over AMQP or HTTP."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from attune_infra.broker import features, wire
from attune_infra.errors import BrokerError, FeatureDenied
from attune_infra.settings import Via
from attune_infra.topology.diff import Create, Update
from attune_infra.topology.model import Binding, End, Exchange, Policy, Queue, TopologyObject, kind_of
from attune_infra.topology.report import Outcome, Status

if TYPE_CHECKING:
    from attune_infra.broker.connections import Connections
    from attune_infra.broker.reading import Reader

_Made: TypeAlias = tuple[Outcome, str | None]
"""An outcome, and the deprecated feature that the broker denied, if it failed for that."""


class Changer:
    """Changes one virtual host."""

    def __init__(self, connections: Connections, reader: Reader, via: Via) -> None:
        self._connections, self._reader, self._via = connections, reader, via

    def check_allowed(self, wanted: Iterable[TopologyObject]) -> None:
        if any(map(wire.is_transient, wanted)) and self._denies_transient_queues():
            raise features.denied(features.TRANSIENT_QUEUES)

    def apply(self, changes: Iterable[Create | Update]) -> Iterator[Outcome]:
        waiting = list(changes)
        if any(self._goes_over_amqp(change.want) for change in waiting):
            self._connections.amqp.version()
        self.check_allowed(change.want for change in waiting)
        failed: set[End] = set()
        changed = False
        for step in _steps(waiting):
            ready: list[Create | Update] = []
            for change in step:
                if lacking := _failed_prerequisite(change.want, failed):
                    yield Outcome(change.want, Status.SKIPPED, f"{lacking} could not be created")
                else:
                    ready.append(change)
            for outcome, denied_feature in self._make(ready):
                if denied_feature == features.TRANSIENT_QUEUES and not changed:
                    raise features.denied(denied_feature)
                if outcome.status is Status.FAILED and isinstance(outcome.object, Exchange | Queue):
                    failed.add((kind_of(outcome.object), outcome.object.name))
                yield outcome
                changed = True

    def _denies_transient_queues(self) -> bool:
        """Return True if queues that are neither durable nor exclusive are known to be denied.

        RabbitMQ 3.10 lists no deprecated features, and 4.0 does not say which of them are denied.
        """
        try:
            listing = self._connections.http.get("deprecated-features")
        except BrokerError as error:
            if error.may_pass:
                raise
            return False
        return any(item["name"] == features.TRANSIENT_QUEUES and item.get("state") == "denied" for item in listing)

    def _make(self, changes: Sequence[Create | Update]) -> Iterator[_Made]:
        """Make changes that do not depend on each other."""
        over_amqp: list[Exchange | Queue | Binding] = []
        for change in changes:
            if not isinstance(change.want, Policy) and self._goes_over_amqp(change.want):
                over_amqp.append(change.want)
            else:
                yield self._make_over_http(change)
        if not over_amqp:
            return
        self._reader.known_queues += sum(isinstance(item, Queue) for item in over_amqp)
        for item, refusal in self._connections.amqp.declare(over_amqp):
            if refusal is None:
                yield Outcome(item, Status.CREATED), None
            else:
                yield Outcome(item, Status.FAILED, refusal.text), refusal.feature

    def _goes_over_amqp(self, item: TopologyObject) -> bool:
        return wire.needs_amqp(item) or (self._via is Via.AMQP and not wire.needs_http(item))

    def _make_over_http(self, change: Create | Update) -> _Made:
        item, http, vhost = change.want, self._connections.http, self._connections.settings.virtual_host
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
            feature = error.feature if isinstance(error, FeatureDenied) else None
            return Outcome(item, Status.FAILED, error.sentence), feature
        if isinstance(change, Update):
            return Outcome(item, Status.UPDATED, differences=change.differences), None
        return Outcome(item, Status.CREATED if new else Status.UNCHANGED), None


def _steps(changes: Sequence[Create | Update]) -> Iterator[Sequence[Create | Update]]:
    """Yield groups of changes that do not depend on each other, in an order in which they can be made.

    One transient queue goes first: if it is denied, nothing else is changed.
    """
    first = next((change for change in changes if wire.is_transient(change.want)), None)
    if first is not None:
        yield [first]
    for kind in (Exchange, Queue, Policy, Binding):
        yield [change for change in changes if isinstance(change.want, kind) and change is not first]


def _failed_prerequisite(item: TopologyObject, failed: Collection[End]) -> str | None:
    """Return the end of a binding that could not be created, such as `queue jobs`."""
    if not isinstance(item, Binding):
        return None
    ends = (("exchange", item.source), (item.destination_type, item.destination))
    return next((f"{kind} {name}" for kind, name in ends if (kind, name) in failed), None)
