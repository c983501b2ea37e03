"""Send the messages of a dead letter queue back to where they came from, or show what would be sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from attune_infra.errors import InvalidInput, PlanRefused
from attune_infra.messages.moving import Orders, prefetch_for
from attune_infra.messages.peeking import find_queue, peekable
from attune_infra.messages.replay import DEFAULT_MAX_REPLAYS, Place, Replay, Replayed, Rules
from attune_infra.messages.selection import Selection
from attune_infra.operations.move import delivery_limit
from attune_infra.topology.facts.between import ledger_of
from attune_infra.topology.facts.exchanges import find_exchange, parse_exchange_name
from attune_infra.topology.facts.releases import NEWEST
from attune_infra.topology.model import Queue, Topology
from attune_infra.topology.routing.route import Routing
from attune_infra.topology.words import guess

if TYPE_CHECKING:
    from attune_infra.interfaces.messages import ReplayingBroker

EVERYTHING: Final = Selection()
_MIN_PREFETCH: Final = 100
"""Messages that are fetched at once, even if fewer are wanted."""


class Replaying:
    """The replay of one queue: planned from the messages that can be read, or carried out."""

    def __init__(
        self,
        broker: ReplayingBroker,
        queue: str,
        *,
        selection: Selection = EVERYTHING,
        to: str | None = None,
        limit: int | None = None,
        max_replays: int = DEFAULT_MAX_REPLAYS,
    ) -> None:
        """Read the topology; raise `InvalidInput` if the queue, or the place of `to`, does not exist."""
        self._broker = broker
        self._topology = broker.read(private=True)
        self._queue = dead_letter_queue(self._topology, queue)
        self._contents = broker.weigh(queue)
        place = None if to is None else parse_place(to, self._topology)
        self._rules = Rules(
            source=queue,
            selection=selection,
            to=place,
            max_replays=max_replays,
            most=self._contents.messages,
            limit=limit,
        )

    @property
    def queue(self) -> str:
        return self._queue.name

    def plan(self, look: int, *, at_any_price: bool = False) -> Replayed:
        """Return what a replay would do with the first messages, which stay in the queue.

        Raise `PlanRefused` if reading them could lose one, or if it would change something and may not.
        """
        replay, queue = self._replay(), peekable(self._queue.name, self._topology)
        if queue.price is not None and not at_any_price:
            hint = "`--dry-run --yes` reads them nevertheless; `--yes` sends them back unseen"
            raise PlanRefused(queue.price, hint=hint)
        with self._broker.peeking(queue) as held:
            for message in held.read(look):
                replay.choose(message)
        return replay.result(ready=self._contents.messages)

    def carry_out(self, on_progress: Callable[[int, int], None] = lambda *_: None) -> Replayed:
        """Send messages back, each once, even if an earlier replay was cut; raise `BrokerError` if this one is."""
        replay = self._replay()
        orders = self._orders(replay)
        total = self._contents.messages or 0
        with self._broker.moving(orders, lambda moved: on_progress(moved.moved, max(moved.moved, total))) as mover:
            moved = mover.run()
            moved = moved.plus(taken=len(mover.left))
        return replay.result(ready=self._contents.messages, moved=moved)

    def _replay(self) -> Replay:
        return Replay(Routing(self._topology, version=self._topology.version or NEWEST), self._rules)

    def _orders(self, replay: Replay) -> Orders:
        queue, rules = self._queue, self._rules
        return Orders(
            source=queue.name,
            ledger=ledger_of(queue.name),
            choose=replay.choose,
            limit=rules.limit,
            most=rules.most,
            source_type=queue.type or "classic",
            drops_ledger=True,
            by_get=queue.auto_delete,
            delivery_limit=delivery_limit(queue, self._topology),
            prefetch=_prefetch(prefetch_for(self._contents.mean_bytes), rules.limit),
        )


def dead_letter_queue(topology: Topology, name: str) -> Queue:
    """Return the queue to take messages from; raise `InvalidInput` if there is none, or if it keeps them."""
    queue = find_queue(name, topology)
    if topology.type_of(queue) == "stream":
        raise InvalidInput(
            f"queue '{name}' is a stream, which keeps every message",
            hint="RabbitMQ cannot take a message out of a stream, so none can be sent back",
        )
    if queue.exclusive:
        raise InvalidInput(
            f"queue '{name}' is exclusive: only the connection that declared it may read it", hint="use another"
        )
    return replace(queue, type=topology.type_of(queue))


def parse_place(text: str, topology: Topology) -> Place:
    """Return the place that `--to` names: a queue, an exchange, or an exchange and a routing key.

    Names may hold colons. Raise `InvalidInput` if nothing, or more than one thing, is named so.
    """
    found = [Place("", text)] if text in topology.queues else []
    parts = text.split(":")
    for size in range(len(parts), 0, -1):
        name, key = parse_exchange_name(":".join(parts[:size])), parts[size:]
        if find_exchange(name, topology.exchanges) is not None:
            found.append(Place(name, ":".join(key) if key else None))
    match found:
        case [place]:
            return place
        case []:
            known = [*topology.queues, *topology.exchanges]
            raise InvalidInput(
                f"--to: there is no queue or exchange '{text}'{guess(text, known)}",
                hint="give a queue, an exchange, or EXCHANGE:KEY",
            )
        case _:
            raise InvalidInput(
                f"--to: '{text}' names more than one place",
                hint="give EXCHANGE:KEY for an exchange, or amq.default:QUEUE for a queue",
            )


def _prefetch(most: int, limit: int | None) -> int:
    """Return how many messages to fetch at once: a quorum queue counts a delivery of each, even if it stays."""
    return most if limit is None else min(most, max(limit, _MIN_PREFETCH))
