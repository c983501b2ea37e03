"""Move or copy the messages of a queue to another one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from attune_infra.dataclass import dataclass
from attune_infra.errors import InvalidInput, RequestRefused
from attune_infra.messages.model import Sending, StoredMessage
from attune_infra.messages.moving import Moved, Orders, prefetch_for
from attune_infra.messages.selection import Selection
from attune_infra.topology.diff import Create
from attune_infra.topology.facts.between import ledger_of, own_name
from attune_infra.topology.facts.releases import NEWEST
from attune_infra.topology.model import Binding, Exchange, Queue, Topology, TopologyObject, label
from attune_infra.topology.planning.report import Status
from attune_infra.topology.policy import effective_arguments
from attune_infra.topology.routing.trace import Reason, causes_of
from attune_infra.topology.words import counted, guess

if TYPE_CHECKING:
    from attune_infra.interfaces import MovingBroker

_BAD: Final = frozenset({Status.FAILED, Status.SKIPPED, Status.KEPT})
_AGAIN: Final = "nothing is lost; run the command again when the reason is gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """The messages to move: those of `source` that are selected, to the queue `to`, which may stay there too."""

    source: str
    to: str
    selection: Selection
    copies: bool = False
    limit: int | None = None
    rate: float | None = None
    """Messages a second that are not to be exceeded."""


def move(
    broker: MovingBroker, move: Move, have: Topology, *, on_progress: Callable[[Moved], None] = lambda _: None
) -> Moved:
    """Move messages, or go on with a move that was cut; raise `BrokerError` if this one is.

    They go through an exchange that leads to the other queue alone, so that routing keys are kept, and a CC header
    has no effect again.
    """
    source, target = find_queue(move.source, have), find_queue(move.to, have)
    _check(move, source, target, broker, have)
    via = Exchange(name=own_name("move", move.to), type="fanout")
    make_all(broker, [via, Binding(source=via.name, destination=move.to)])
    orders = Orders(
        source=move.source,
        ledger=ledger_of(move.source),
        exchange=via.name,
        choose=None if move.selection.is_everything else _choosing(move.selection, via.name),
        source_type=have.type_of(source),
        by_get=source.auto_delete,
        copies=move.copies,
        until_offset=broker.last_offset(move.source) if move.copies and have.type_of(source) == "stream" else -1,
        delivery_limit=delivery_limit(source, have),
        limit=move.limit,
        rate=move.rate,
        prefetch=prefetch_for(broker.weigh(move.source).mean_bytes),
    )
    with broker.moving(orders, on_progress) as mover:
        moved = mover.run()
        moved, is_settled = moved.plus(taken=len(mover.left)), mover.is_settled
    delete_all(broker, [via])
    if is_settled:
        delete_all(broker, [Queue(name=orders.ledger, type="classic")])
    return moved


def _check(move: Move, source: Queue, target: Queue, broker: MovingBroker, have: Topology) -> None:
    if move.source == move.to:
        raise InvalidInput("a queue cannot be moved to itself", hint="name another queue")
    if have.type_of(source) == "stream" and not move.copies:
        raise InvalidInput(
            f"queue {move.source} is a stream, which keeps its messages",
            hint="copy them: `attune-infra queue copy`",
        )
    limit = effective_arguments(target, have).get("x-max-length")
    if isinstance(limit, int):
        messages = sum(broker.contents(each)[0] or 0 for each in (move.source, move.to))
        if min(messages, move.limit or messages) > limit:
            raise RequestRefused(
                f"queue {move.to} takes at most {counted(limit, 'message')}, and would get more",
                hint="give it another x-max-length, or move fewer with --limit",
            )


def find_queue(name: str, have: Topology) -> Queue:
    """Return a queue of the broker; raise `InvalidInput` if there is none."""
    queue = have.find_queue(name)
    if queue is None:
        raise InvalidInput(
            f"there is no queue {name}{guess(name, have.queues)}", hint="`attune-infra queues` lists them"
        )
    if queue.exclusive:
        raise InvalidInput(f"queue {name} is exclusive: only its own connection may use it", hint="name another")
    return queue


def make_all(broker: MovingBroker, items: list[TopologyObject]) -> None:
    """Create objects; raise `RequestRefused` if one cannot be."""
    for outcome in list(broker.apply(map(Create, items))):
        if outcome.status in _BAD:
            raise RequestRefused(f"{label(outcome.object)} was not created: {outcome.reason}", hint=_AGAIN)


def delete_all(broker: MovingBroker, items: list[TopologyObject], *, even_if_used: bool = True) -> None:
    """Delete objects; raise `RequestRefused` if one stays."""
    for outcome in list(broker.delete(items, even_if_used=even_if_used)):
        if outcome.status in _BAD:
            raise RequestRefused(f"{label(outcome.object)} was not removed: {outcome.reason}", hint=_AGAIN)


def _choosing(selection: Selection, via: str) -> Callable[[StoredMessage], Sending | None]:
    def choose(message: StoredMessage) -> Sending | None:
        if not selection.matches(message):
            return None
        return Sending(exchange=via, routing_key=message.routing_key, encoded=message.encoded)

    return choose


def delivery_limit(queue: Queue, topology: Topology) -> int | None:
    """Return the number of deliveries after which a queue gives a message up; None if it never does."""
    causes = causes_of(queue, effective_arguments(queue, topology), topology.version or NEWEST)
    return next((cause.value for cause in causes if cause.reason is Reason.DELIVERY_LIMIT), None)
