"""Delete objects of a virtual host, and keep those that are in use.

Objects are deleted over HTTP, and over AMQP those bindings to which no path of HTTP leads. Many bindings, and many
queues that RabbitMQ itself keeps if they are in use, are deleted over AMQP at once; what it refuses is tried over
HTTP.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Final, TypeVar

from attune_infra.broker import controls, wire
from attune_infra.broker.failures.majority import HINT
from attune_infra.broker.failures.permissions import ObjectRefused, missing_rights
from attune_infra.broker.failures.refusal import Code
from attune_infra.broker.reading.odd_bindings import PropertiesKeys, can_delete_over_http, has_one_form
from attune_infra.errors import AccessRefused, BrokerError, InUse, LoginRefused, NoMajority, VirtualHostMissing
from attune_infra.journal import JOURNAL
from attune_infra.settings import Via
from attune_infra.topology.facts.deletion import reason_to_keep
from attune_infra.topology.facts.permissions import rights_to_delete
from attune_infra.topology.model import (
    Binding,
    Exchange,
    GlobalParameter,
    Limit,
    OperatorPolicy,
    Parameter,
    Permission,
    Policy,
    Queue,
    TopicPermission,
    TopologyObject,
    User,
    VirtualHost,
    as_read,
    kind_of,
)
from attune_infra.topology.permissions.needs import Over
from attune_infra.topology.planning.report import Attempt, Loss, Outcome, Status
from attune_infra.topology.words import counted

if TYPE_CHECKING:
    from attune_infra.broker.amqp.connection import Answered
    from attune_infra.broker.connections import Connections
    from attune_infra.broker.reading.virtual_host import Reader
    from attune_infra.fleet.model import Depth

_Item = TypeVar("_Item", Queue, Binding)
_T = TypeVar("_T")

_STILL_EXISTS: Final = "the broker accepted its deletion, but it still exists"
_IS_DOWN: Final = "RabbitMQ did not delete it while its node is down; start the node, and try again"
_OBJECTS_PER_COUNT: Final = 50
"""Objects whose messages are counted in one request, just before their deletion one by one."""
_QUEUES_PER_COUNT: Final = 2_500
"""Queues whose messages are counted in one request, just before their deletion at once: the work of a second."""
_QUORUM_QUEUES_PER_LIST: Final = 512
_QUORUM_QUEUES_PER_COUNT: Final = 64
"""Quorum queues that are counted just before their deletion: the work of half a second."""
_MIN_AT_ONCE: Final = 16
"""Queues or bindings to delete at once; for fewer, opening lanes costs more than it saves."""


class Deleter:
    """Deletes from one virtual host."""

    def __init__(self, connections: Connections, reader: Reader, via: Via) -> None:
        self._connections, self._reader, self._via = connections, reader, via

    def delete(self, items: Iterable[TopologyObject], *, even_if_used: bool) -> Iterator[Outcome]:
        chosen = list(items)
        outcomes = self._outcomes(chosen, even_if_used=even_if_used)
        if any(isinstance(item, Binding) for item in chosen):
            yield from self._read_back(list(outcomes))
        else:
            yield from outcomes

    def _read_back(self, outcomes: Sequence[Outcome]) -> Iterator[Outcome]:
        """Correct the outcomes of bindings by those that exist now."""
        try:
            left = {as_read(binding) for binding in self._reader.all_bindings()}
        except BrokerError as error:
            yield from (_in_doubt(outcome, error) for outcome in outcomes)
            return
        for outcome in outcomes:
            if not isinstance(outcome.object, Binding):
                yield outcome
            elif as_read(outcome.object) not in left:
                yield Outcome(outcome.object, Status.DELETED)
            elif outcome.status is Status.DELETED:
                yield Outcome(outcome.object, Status.FAILED, _STILL_EXISTS, attempted=Attempt.DELETED)
            else:
                yield outcome

    def _outcomes(self, items: Sequence[TopologyObject], *, even_if_used: bool) -> Iterator[Outcome]:
        bindings = (item for item in items if isinstance(item, Binding))
        keys = PropertiesKeys(self._connections.http, self._connections.settings.virtual_host, bindings)
        for batch in _batches(items):
            done = self._delete_at_once(batch, even_if_used=even_if_used)
            left = [item for item in batch if item not in done]
            others = self._one_by_one(left, keys, even_if_used=even_if_used)
            for item in batch:
                yield done[item] if item in done else next(others)

    def _delete_at_once(
        self, batch: Sequence[TopologyObject], *, even_if_used: bool
    ) -> Mapping[TopologyObject, Outcome]:
        """Delete many bindings over AMQP, or many queues that RabbitMQ keeps by itself if they are in use.

        The outcomes leave out what it refused: HTTP says more about that.
        """
        if len(batch) < _MIN_AT_ONCE or not self._deletes_over_amqp:
            return {}
        queues = [item for item in batch if isinstance(item, Queue)]
        bindings = [item for item in batch if isinstance(item, Binding) and has_one_form(item)]
        if queues and even_if_used:
            return self._outcomes_of(self._connections.amqp.delete(queues, guarded=False))
        if queues:
            return self._delete_unused(queues)
        return self._outcomes_of(self._connections.amqp.unbind_all(bindings))

    def _delete_unused(self, queues: Sequence[Queue]) -> Mapping[TopologyObject, Outcome]:
        """Delete many queues that are empty and unused."""
        classic, quorum = ([item for item in queues if item.type == kind] for kind in ("classic", "quorum"))
        found: dict[TopologyObject, Outcome] = {}
        if len(classic) >= _MIN_AT_ONCE:
            depths = self._reader.depths()
            empty = [item for item in classic if item.name in depths and not depths[item.name]]
            found.update(self._outcomes_of(self._connections.amqp.delete(empty, guarded=True)))
        if len(quorum) >= _MIN_AT_ONCE:
            try:
                self._delete_quorum_queues(quorum, found)
            except (LoginRefused, NoMajority):
                raise
            except BrokerError:
                pass  # the others are counted one by one, with more to say
        return found

    def _delete_quorum_queues(self, queues: Sequence[Queue], found: dict[TopologyObject, Outcome]) -> None:
        """Delete quorum queues that are empty and unused, and put their outcomes into `found`.

        RabbitMQ itself guards none of them. So each is counted just before, few at a time. The answer to a
        deletion has the number of messages that came in between, which is told as a loss.
        """
        for listed in _parts(queues, _QUORUM_QUEUES_PER_LIST):
            empty = self._reader.listed_as_empty([item.name for item in listed])
            for part in _parts([item for item in listed if item.name in empty], _QUORUM_QUEUES_PER_COUNT):
                by_name = {item.name: item for item in part}
                unused = self._reader.empty_with_leader([empty[name] for name in by_name])
                counts: dict[str, int] = {}
                answered = self._connections.amqp.delete_counting([by_name[each.name] for each in unused], counts)
                for item, outcome in self._outcomes_of(answered).items():
                    lost = counts.get(wire.name_of(item), 0) if outcome.status is Status.DELETED else 0
                    loss = Loss(messages=lost, consumers=0, bindings=0) if lost else None
                    found[item] = replace(outcome, loss=loss)

    def _outcomes_of(self, answered: Iterable[Answered[_Item]]) -> Mapping[TopologyObject, Outcome]:
        """Return the outcomes of deletions over AMQP, without those that HTTP is to try again."""
        outcomes: dict[TopologyObject, Outcome] = {}
        for item, refusal in answered:
            if refusal is None:
                JOURNAL.note("deleted", kind_of(item), wire.name_of(item))
                outcomes[item] = Outcome(item, Status.DELETED)
            elif refusal.code is Code.NO_MAJORITY:
                raise NoMajority(refusal.text, hint=HINT)
            elif refusal.code is Code.NO_ANSWER:  # HTTP would wait as long
                outcomes[item] = Outcome(item, Status.FAILED, refusal.text, attempted=Attempt.DELETED)
        return outcomes

    @property
    def _deletes_over_amqp(self) -> bool:
        """True if AMQP may be used, by the user whose permissions a deletion needs over HTTP."""
        settings = self._connections.settings
        return self._via is Via.AMQP and settings.amqp.user == settings.management.user

    def _one_by_one(
        self, items: Sequence[TopologyObject], keys: PropertiesKeys, *, even_if_used: bool
    ) -> Iterator[Outcome]:
        for part in _parts(items, _OBJECTS_PER_COUNT):
            guarded = not even_if_used and any(isinstance(item, Queue) for item in part)
            depths = self._reader.depths() if guarded else {}
            for item in part:
                yield self._delete_or_keep(item, depths, keys, even_if_used=even_if_used)

    def _delete_or_keep(
        self, item: TopologyObject, depths: Mapping[str, Depth], keys: PropertiesKeys, *, even_if_used: bool
    ) -> Outcome:
        try:
            if (
                isinstance(item, Queue)
                and not even_if_used
                and (use := self._why_kept(item, depths.get(item.name)))
            ):
                return Outcome(item, Status.KEPT, use)
            if isinstance(item, Binding) and (why := reason_to_keep(item)):
                return Outcome(item, Status.KEPT, why)
            self._delete(item, keys, even_if_used=even_if_used)
        except VirtualHostMissing:  # a 404: another client deleted it first, or the node of a queue is down
            if isinstance(item, Queue) and self._reader.exists(item.name):
                return Outcome(item, Status.FAILED, _IS_DOWN, attempted=Attempt.DELETED)
        except InUse as error:
            if even_if_used:
                return Outcome(item, Status.FAILED, error.sentence, attempted=Attempt.DELETED)
            return Outcome(item, Status.KEPT, self._kept_because(item, error))
        except (LoginRefused, NoMajority):  # all others would wait as long, and fail too
            raise
        except BrokerError as error:
            denied = self._connections.denied(Over.HTTP) if isinstance(error, AccessRefused) else None
            reason = error.sentence
            if isinstance(error, ObjectRefused):
                reason = missing_rights(rights_to_delete(item, {}), self._connections.settings)
            return Outcome(item, Status.FAILED, reason, attempted=Attempt.DELETED, denied=denied)
        JOURNAL.note("deleted", kind_of(item), wire.name_of(item))
        return Outcome(item, Status.DELETED)

    def _kept_because(self, item: TopologyObject, error: InUse) -> str:
        """Return the reason why the broker keeps an object; statistics that lag may not know the numbers yet."""
        if not isinstance(item, Queue):
            return error.sentence
        return _in_words(*self._reader.contents_by_all_means(item.name)) or "it is in use"

    def _why_kept(self, queue: Queue, depth: Depth | None) -> str | None:
        """Return the reason to keep a queue; None if it is certainly unused, or if RabbitMQ checks that.

        A number that this user may not see, or that RabbitMQ does not tell now, is never taken for 0.
        """
        if depth is None:
            return f"its messages cannot be counted: {self._why_uncounted(queue)}"
        if queue.type == "classic" and not depth:
            return None
        messages, consumers = self._reader.contents_by_all_means(queue.name)
        if queue.type == "classic" or messages or consumers:
            return _in_words(messages, consumers)
        if messages is None and not self._reader.exists(queue.name):
            return None  # another client deleted it
        if messages is None or consumers is None:
            what = "messages" if messages is None else "consumers"
            return f"its {what} cannot be counted: {self._why_uncounted(queue)}"
        return None

    def _why_uncounted(self, queue: Queue) -> str:
        """Return the reason why a number is unknown, and what to do about it."""
        if queue.type == "stream":
            return "RabbitMQ does not tell those of a stream; delete it yourself if nobody needs it"
        if queue.type != "quorum":
            return "RabbitMQ does not tell them; start the node of the queue if it is down"
        try:
            counts = self._connections.amqp.counts([queue.name])
        except BrokerError as error:
            return f"RabbitMQ tells them only over AMQP, and {error.sentence}"
        if queue.name in counts:
            return "it has no leader now; start its nodes, and try again"
        return f"RabbitMQ tells them only over AMQP, and not user '{self._connections.settings.amqp.user}'"

    def _delete(self, item: TopologyObject, keys: PropertiesKeys, *, even_if_used: bool) -> None:
        http, vhost = self._connections.http, self._connections.settings.virtual_host
        match item:
            case Exchange():
                http.delete("exchanges", vhost, item.name, **({} if even_if_used else {"if-unused": "true"}))
            case Queue():
                guarded = not even_if_used and item.type == "classic"  # the other types take no conditions
                conditions = {"if-empty": "true", "if-unused": "true"} if guarded else {}
                http.delete("queues", vhost, item.name, **conditions)
            case OperatorPolicy():
                http.delete("operator-policies", vhost, item.name)
            case Policy():
                http.delete("policies", vhost, item.name)
            case Binding():
                self._delete_binding(item, keys)
            case TopicPermission():
                http.delete(*controls.path_of(item, vhost), item.exchange)
            case VirtualHost():
                raise AssertionError("a virtual host is never deleted")
            case User() | Limit() | Permission() | Parameter() | GlobalParameter():
                http.delete(*controls.path_of(item, vhost))

    def _delete_binding(self, binding: Binding, keys: PropertiesKeys) -> None:
        """Delete a binding and its twins, each in a way that leads to no other binding."""
        http, place = self._connections.http, wire.path_of(binding, self._connections.settings.virtual_host)
        for twin, properties_key in keys.of(binding):
            if not can_delete_over_http(twin, properties_key):
                self._connections.amqp.unbind(binding)
                continue
            with suppress(VirtualHostMissing):  # a 404: another client deleted it first
                http.delete(*place, properties_key)


def _parts(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    return (items[at : at + size] for at in range(0, len(items), size))


def _batches(items: Iterable[TopologyObject]) -> Iterator[Sequence[TopologyObject]]:
    """Yield the items in their order, queues, bindings and other objects apart."""
    for _, run in groupby(items, kind_of):
        yield from _parts(list(run), _QUEUES_PER_COUNT)


def _in_doubt(outcome: Outcome, error: BrokerError) -> Outcome:
    if not isinstance(outcome.object, Binding) or outcome.status is not Status.DELETED:
        return outcome
    why = f"the broker accepted its deletion; reading back failed: {error.sentence}"
    return Outcome(outcome.object, Status.FAILED, why, attempted=Attempt.DELETED)


def _in_words(messages: int | None, consumers: int | None) -> str | None:
    if not (messages or consumers):
        return None
    return f"it holds {counted(messages, 'message')} and has {counted(consumers, 'consumer')}"
