"""The tree of a trace: exchange, bindings, queue, and out of the queue as a dead letter.

A queue that comes up again is named, but its dead letters are not repeated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from attune_infra.render.tree import Branch
from attune_infra.topology.model import Exchange, Message
from attune_infra.topology.routing.route import Hop, Routed
from attune_infra.topology.routing.trace import Cause, Death, Ending, Trace
from attune_infra.topology.routing.why import why
from attune_infra.topology.words import shown

_ENDINGS: Final = {
    Ending.GOES_ON: (" ", ""),
    Ending.LEAVES: ("?", ": goes on from an external exchange"),
    Ending.KEPT: ("!", ": stays in its queue, it reaches no other"),
    Ending.NO_EXCHANGE: ("!", ": lost"),
    Ending.NO_QUEUE: ("!", ": lost, it reaches no queue"),
}


def tree_of_trace(trace: Trace) -> Branch:
    """Return the root of a message's tree."""
    return _Tree(trace).root()


class _Tree:
    """The queues of a trace that are drawn already, so that none is drawn twice."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.drawn: set[int] = set()
        self.unknown = (
            "it may have bindings to queues that are down"
            if trace.unlisted
            else "it is external: its other bindings are not known here"
        )

    def root(self) -> Branch:
        routed = self.trace.routed
        if routed.refused is not None:
            return Branch(f"RabbitMQ refuses it: {routed.refused}", sign="!")
        path = _Path(self, routed, range(len(self.trace.lives)))
        return Branch(f"{path.beginning}, {_key(routed.message)}{_headers(routed.message)}", path.branches())

    def ways_out(self, place: int) -> Iterator[Branch]:
        yield from (self._way_out(death) for death in self.trace.lives[place].deaths)

    def _way_out(self, death: Death) -> Branch:
        causes = ", ".join(map(_cause, death.causes))
        if death.routed is None and death.ending is Ending.LEAVES:
            return Branch(f"{causes}: its owner sets the dead letter exchange, not known here", sign="?")
        if death.routed is None:
            return Branch(f"{causes}: discarded, no dead letter exchange")
        sign, words = _ENDINGS[death.ending]
        if self.trace.unlisted and death.ending is Ending.LEAVES:
            words = ": may reach a queue that is down"
        if not death.routed.hops:
            return Branch(f"{causes}: dead letter exchange {death.exchange} is missing{words}", sign=sign)
        path = _Path(self, death.routed, death.lives, death)
        key = _key(death.routed.message)
        return Branch(f"{causes}: dead letter to {path.beginning}, {key}{words}", path.branches(), sign=sign)


class _Path:
    """One path of a message through exchanges, each drawn once, into the lives at `places`."""

    def __init__(self, tree: _Tree, routed: Routed, places: Sequence[int], death: Death | None = None) -> None:
        self.tree, self.message, self.death = tree, routed.message, death
        self.hops = {hop.exchange.name: hop for hop in routed.hops}
        self.places = dict(zip((*routed.queues, *routed.possible), places, strict=False))
        self.visited = {routed.message.exchange}

    @property
    def beginning(self) -> str:
        return _exchange(self.hops[self.message.exchange].exchange)

    def branches(self) -> Iterator[Branch]:
        return self._from(self.hops[self.message.exchange])

    def _from(self, hop: Hop) -> Iterator[Branch]:
        """Yield the branches out of an exchange."""
        for binding in hop.matched:
            because = why(binding, hop.exchange, self.message)
            if binding.destination_type == "queue":
                yield self._queue(binding.destination, because, hop)
            else:
                yield self._further(binding.destination, because, hop)
        if hop.alternate is not None:
            none = "if no binding is chosen" if hop.matched else "no binding matches"
            yield self._further(hop.alternate, f"its alternate exchange, {none}", hop)
        elif not (hop.matched or hop.exchange.external):
            yield Branch("no binding matches", sign="!")
        if hop.exchange.external:
            yield Branch(self.tree.unknown, sign="?")

    def _further(self, name: str, because: str, hop: Hop) -> Branch:
        following = self.hops.get(name)
        if following is None:
            return Branch(f"exchange {name}, which is missing: {because}", sign="!")
        if name in self.visited:
            return Branch(f"{_exchange(following.exchange)}: {because} (visited only once)")
        self.visited.add(name)
        sign = " " if hop.certain and hop.is_understood else "?"
        return Branch(f"{_exchange(following.exchange)}: {because}", self._from(following), sign=sign)

    def _queue(self, name: str, because: str, hop: Hop) -> Branch:
        sign = " " if hop.certain and hop.is_understood else "?"
        words = f"queue {name}: {because}"
        if self.places[name] not in self.tree.drawn:
            self.tree.drawn.add(self.places[name])
            return Branch(words, self.tree.ways_out(self.places[name]), sign=sign)
        if self.death is None or name not in self.death.rounds:
            return Branch(f"{words} (shown elsewhere)", sign=sign)
        if name in self.death.dropped:
            return Branch(f"{words}; returns here, dropped unless it was rejected on the way", sign="!")
        return Branch(f"{words}; returns here each time it is rejected", sign=sign)


def _exchange(exchange: Exchange) -> str:
    if not exchange.name:
        return "the default exchange"
    return f"exchange {exchange.name} ({exchange.type or 'of unknown type'})"


def _key(message: Message) -> str:
    keys = " and ".join(key or "''" for key in message.routing_keys) if any(message.routing_keys) else ""
    return f"routing key {keys}" if keys else "empty routing key"


def _headers(message: Message) -> str:
    words = ", ".join(f"{name} {shown(value)}" for name, value in message.headers.items())
    return f", headers {words}" if words else ""


def _cause(cause: Cause) -> str:
    if cause.argument is None:
        return str(cause.reason)
    return f"{cause.reason} ({cause.argument} {cause.value})"
