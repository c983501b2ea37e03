"""Create and update objects of a virtual host, over AMQP or HTTP."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from attune_infra.background import run_in_background
from attune_infra.broker import answers, controls, wire
from attune_infra.broker.failures.majority import HINT
from attune_infra.broker.failures.permissions import ObjectRefused, missing_rights
from attune_infra.broker.failures.refusal import Code
from attune_infra.broker.users import put_user
from attune_infra.errors import (
    AccessRefused,
    BrokerError,
    BrokerUnreachable,
    FeatureDenied,
    LoginRefused,
    NoMajority,
    StrangeAnswer,
)
from attune_infra.journal import JOURNAL
from attune_infra.settings import Via
from attune_infra.topology.diff import Create, Update
from attune_infra.topology.facts import features
from attune_infra.topology.facts.permissions import rights_to_create
from attune_infra.topology.facts.protocols import needs_amqp, needs_http
from attune_infra.topology.facts.refusals import Restrictions
from attune_infra.topology.facts.uris import is_here
from attune_infra.topology.model import (
    Binding,
    End,
    Exchange,
    FederationUpstream,
    FederationUpstreamSet,
    GlobalParameter,
    Limit,
    OperatorPolicy,
    Parameter,
    Permission,
    Policy,
    Queue,
    Shovel,
    TopicPermission,
    TopologyObject,
    User,
    VirtualHost,
    kind_of,
)
from attune_infra.topology.permissions.needs import Over
from attune_infra.topology.planning.report import Attempt, Outcome, Status

if TYPE_CHECKING:
    from attune_infra.broker.connections import Connections
    from attune_infra.broker.reading.virtual_host import Reader
    from attune_infra.broker.shapes import Shape

_Made: TypeAlias = tuple[Outcome, str | None]
"""An outcome, and the deprecated feature that the broker denied, if it failed for that."""


class Changer:
    """Changes one virtual host."""

    def __init__(self, connections: Connections, reader: Reader, via: Via) -> None:
        self._connections, self._reader, self._via = connections, reader, via
        self._unreachable: str | None = None
        """The failure of the first change that the management API did not answer in this run."""

    def restrictions(self) -> Restrictions:
        max_queues = run_in_background(self._max_queues)
        return Restrictions(self._denied_features, max_queues())

    def check_declaring(self, wanted: Iterable[TopologyObject]) -> None:
        if any(map(self._goes_over_amqp, wanted)):
            self._connections.amqp.target()

    def apply(self, changes: Iterable[Create | Update]) -> Iterator[Outcome]:
        waiting = list(changes)
        self.check_declaring(change.want for change in waiting)
        self._check_allowed(change.want for change in waiting)
        yield from self._apply(waiting)

    def declare_over_amqp(self, items: Iterable[Exchange | Queue | Binding]) -> Iterator[Outcome]:
        """Declare objects as `apply` does, and ask the management API nothing."""
        return self._apply([Create(item) for item in items], done="declared")

    def _apply(self, waiting: Sequence[Create | Update], *, done: str | None = None) -> Iterator[Outcome]:
        """Make changes; the journal notes them as `done`, default: by their status."""
        self._unreachable = None
        failed: set[End] = set()
        virtual_host = self._connections.settings.virtual_host
        changed = False
        for step in _steps(waiting):
            ready: list[Create | Update] = []
            for change in step:
                if lacking := _failed_prerequisite(change.want, failed, virtual_host):
                    yield Outcome(change.want, Status.SKIPPED, f"{lacking} could not be created")
                else:
                    ready.append(change)
            for outcome, denied_feature in self._make(ready):
                if denied_feature == features.TRANSIENT_QUEUES and not changed:
                    raise features.denied(denied_feature)
                if outcome.status in {Status.CREATED, Status.UPDATED}:
                    JOURNAL.note(done or outcome.status, kind_of(outcome.object), wire.name_of(outcome.object))
                if outcome.status is Status.FAILED and isinstance(outcome.object, Exchange | Queue | User):
                    failed.add((kind_of(outcome.object), outcome.object.name))
                yield outcome
                changed = True

    def _check_allowed(self, wanted: Iterable[TopologyObject]) -> None:
        if any(map(wire.is_transient, wanted)) and features.TRANSIENT_QUEUES in self._denied_features:
            raise features.denied(features.TRANSIENT_QUEUES)

    @cached_property
    def _denied_features(self) -> frozenset[str]:
        """Return the deprecated features that are known to be denied.

        RabbitMQ 3.10 lists no deprecated features, and 4.0 does not say which of them are denied.
        """
        listing = self._list_if_allowed("deprecated-features", shape=answers.DEPRECATED_FEATURES)
        return frozenset(item["name"] for item in listing if item.get("state") == "denied")

    def _max_queues(self) -> int | None:
        """Return the number of queues that the virtual host may hold; None if there is no limit, or none known."""
        vhost = self._connections.settings.virtual_host
        listing = self._list_if_allowed("vhost-limits", vhost, shape=answers.LIMITS)
        limits = [dict(item["value"]).get("max-queues") for item in listing]
        return next((limit for limit in limits if isinstance(limit, int) and limit >= 0), None)

    def _list_if_allowed(self, *segments: str, shape: Shape) -> Sequence[Any]:
        """Return a list; an empty one if this user or this release has none."""
        try:
            found: Sequence[Any] = self._connections.http.get(*segments, shape=shape)
        except BrokerError as error:
            if error.may_pass or isinstance(error, StrangeAnswer):
                raise
            return ()
        return found

    def _make(self, changes: Sequence[Create | Update]) -> Iterator[_Made]:
        """Make changes that do not depend on each other."""
        over_amqp: list[Exchange | Queue | Binding] = []
        for change in changes:
            if isinstance(change.want, Exchange | Queue | Binding) and self._goes_over_amqp(change.want):
                over_amqp.append(change.want)
            elif self._unreachable is None:
                yield self._make_over_http(change)
            else:  # each try would take as long as the first one
                yield Outcome(change.want, Status.FAILED, self._unreachable, attempted=_attempt_of(change)), None
        if not over_amqp:
            return
        self._reader.known_queues += sum(isinstance(item, Queue) for item in over_amqp)
        for item, refusal in self._connections.amqp.declare(over_amqp):
            if refusal is None:
                yield Outcome(item, Status.CREATED), None
            elif refusal.code is Code.NO_MAJORITY:
                raise NoMajority(refusal.text, hint=HINT)
            else:
                denied = self._connections.denied(Over.AMQP) if refusal.code is Code.FORBIDDEN else None
                differs = refusal.code is Code.DIFFERS
                outcome = Outcome(item, Status.FAILED, refusal.text, denied=denied, inequivalent=differs)
                yield outcome, refusal.feature

    def _goes_over_amqp(self, item: TopologyObject) -> bool:
        return needs_amqp(item) or (self._via is Via.AMQP and not needs_http(item))

    def _make_over_http(self, change: Create | Update) -> _Made:
        item = change.want
        try:
            new = self._put(item)
        except (LoginRefused, NoMajority):
            raise
        except BrokerError as error:
            return self._failed(change, error)
        if isinstance(change, Update):
            return Outcome(item, Status.UPDATED, differences=change.differences), None
        return Outcome(item, Status.CREATED if new else Status.UNCHANGED), None

    def _put(self, item: TopologyObject) -> bool:
        """Create an object, or change it; return True if it is new, as bindings, limits and permissions are."""
        http, vhost = self._connections.http, self._connections.settings.virtual_host
        match item:
            case Exchange():
                return http.put("exchanges", vhost, item.name, body=wire.body_of(item))
            case Queue():
                return http.put("queues", vhost, item.name, body=wire.body_of(item))
            case OperatorPolicy():
                return http.put("operator-policies", vhost, item.name, body=wire.body_of(item))
            case Policy():
                return http.put("policies", vhost, item.name, body=wire.body_of(item))
            case User():
                return put_user(http, item, self._reader.own_users)
            case Binding():
                http.post(*wire.path_of(item, vhost), body=wire.body_of(item))
            case _:
                return controls.put(item, http, vhost)
        return True

    def _failed(self, change: Create | Update, error: BrokerError) -> _Made:
        """Return the outcome of a change over HTTP that failed."""
        item, reason = change.want, error.sentence
        feature = error.feature if isinstance(error, FeatureDenied) else None
        denied = self._connections.denied(Over.HTTP) if isinstance(error, AccessRefused) else None
        if isinstance(error, ObjectRefused):
            reason = missing_rights(rights_to_create(item, {}), self._connections.settings)
        if isinstance(item, Parameter | GlobalParameter):
            reason = controls.reason_of(item, reason)
        if isinstance(error, BrokerUnreachable):
            self._unreachable = reason
        return Outcome(item, Status.FAILED, reason, attempted=_attempt_of(change), denied=denied), feature


def _attempt_of(change: Create | Update) -> Attempt:
    return Attempt.UPDATED if isinstance(change, Update) else Attempt.CREATED


def _steps(changes: Sequence[Create | Update]) -> Iterator[Sequence[Create | Update]]:
    """Yield groups of changes that do not depend on each other, in an order in which they can be made.

    One transient queue goes first: if it is denied, nothing else is changed. Policies precede queues, because
    RabbitMQ reads some keys, such as queue-leader-locator, only when it creates a queue. Limits precede the queues
    that they may make room for. Federation upstreams precede the policies that name them, and shovels follow the
    queues that they would make otherwise. Users come first, and permissions last: the user of this command may
    lose some.
    """
    first = next((change for change in changes if wire.is_transient(change.want)), None)
    if first is not None:
        yield [first]
    steps: dict[int, list[Create | Update]] = defaultdict(list)
    for change in changes:
        if change is not first:
            steps[_RANKS[type(change.want)]].append(change)
    yield from (found for _, found in sorted(steps.items()))


_ORDER: Final[tuple[type[TopologyObject], ...]] = (
    *(VirtualHost, User, Limit, FederationUpstream, FederationUpstreamSet, Parameter, GlobalParameter),
    *(Exchange, Policy, Queue, Binding, Shovel, TopicPermission, Permission),
)


_RANKS: Final = {kind: rank for rank, kind in enumerate(_ORDER)}
_RANKS[OperatorPolicy] = _RANKS[Policy]


def _failed_prerequisite(item: TopologyObject, failed: Collection[End], virtual_host: str) -> str | None:
    """Return the end of a binding or shovel, or the user or exchange of a permission, that was not created."""
    if isinstance(item, Permission | TopicPermission) and ("user", item.user) in failed:
        return f"user {item.user}"
    if isinstance(item, Shovel) and failed:
        return next(
            (f"{kind} {name}" for kind, name in _ends_here(item, virtual_host) if (kind, name) in failed), None
        )
    if isinstance(item, TopicPermission):
        return f"exchange {item.exchange}" if ("exchange", item.exchange) in failed else None
    if not isinstance(item, Binding):
        return None
    ends = (("exchange", item.source), (item.destination_type, item.destination))
    return next((f"{kind} {name}" for kind, name in ends if (kind, name) in failed), None)


def _ends_here(shovel: Shovel, virtual_host: str) -> Iterator[End]:
    """Yield the ends of a shovel in this virtual host; RabbitMQ would make a missing queue of its own."""
    value = shovel.value if isinstance(shovel.value, dict) else {}
    for side in ("src", "dest"):
        if is_here(value.get(f"{side}-uri"), virtual_host):
            yield from ((kind, str(value.get(f"{side}-{kind}"))) for kind in ("queue", "exchange"))
