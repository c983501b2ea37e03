"""Migrate a queue: the steps from what the broker holds now to the wanted queue, with every message.

The steps follow from the broker alone, so a migration that was cut goes on where it stopped. Publishers are
switched at an exchange in between. The `switch` is a fanout exchange whose alternate exchange is `aside`, which
leads to the next queue:

    source -> switch -> old queue          while the switch is bound to the old queue
    source -> switch -> aside -> next      as soon as it is bound to nothing

So one unbinding switches, between two messages. While a source is bound to the old queue and to the switch, the
old queue still gets one copy: RabbitMQ delivers a message once to each queue (tried on 3.10, 4.0 and 4.3).
The objects of a step are made at once, in no order. So the switch is bound to the old queue a step before a source
is bound to the switch: a message in between would reach the old queue and the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from enum import StrEnum
from functools import cached_property
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.topology.diff import change_of
from attune_infra.topology.facts.between import Names, ledger_of
from attune_infra.topology.facts.releases import FIRST_WITH_DEFAULT_DELIVERY_LIMIT, NEWEST
from attune_infra.topology.model import Argument, Binding, Exchange, Queue, Topology, TopologyObject
from attune_infra.topology.policy import effective_arguments

ENOUGH: Final = 20
"""Messages left in a queue at which publishers are switched."""


class Stage(StrEnum):
    """A part of a migration."""

    PREPARE = "prepare"
    LEAD = "lead"
    MOVE = "move"
    SWITCH = "switch"
    EMPTY = "empty"
    DELETE = "delete"
    CREATE = "create"
    CLEAN = "clean up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: objects to make, then bindings to remove, messages to move, or objects to delete.

    A move goes through the exchange `via`, until at most `enough` messages are left. A queue is deleted once it is
    empty and, without consent, unused.
    """

    stage: Stage
    sentence: str
    make: tuple[Exchange | Queue | Binding, ...] = ()
    unbind: tuple[Binding, ...] = ()
    move: str = ""
    via: str = ""
    enough: int = 0
    delete: tuple[Queue | Exchange, ...] = ()


@dataclass(frozen=True)
class Migration:
    """A queue that exists, and the one to take its place: of the same name, or of another one."""

    source: str
    want: Queue
    have: Topology

    @cached_property
    def names(self) -> Names:
        return Names(self.source)

    @property
    def renames(self) -> bool:
        return self.want.name != self.source

    @cached_property
    def old(self) -> Queue | None:
        """The queue to be replaced; None if that is done."""
        found = self.have.queues.get(self.source)
        return found if found is not None and (self.renames or not self.is_as_wanted) else None

    @cached_property
    def is_as_wanted(self) -> bool:
        """True if the wanted queue exists."""
        return change_of(self.want, self.have) is None

    @cached_property
    def successor(self) -> Queue:
        """The queue that publishers are switched to: the wanted one, or one that holds messages for a while."""
        return self.want if self.renames else self._holder()

    @cached_property
    def bound(self) -> tuple[Binding, ...]:
        """The bindings that lead to the old queue."""
        own = {self.names.switch, self.names.back}
        return self._to("queue", self.source, without=own) if self.old is not None else ()

    @cached_property
    def led(self) -> tuple[Binding, ...]:
        """The bindings that lead to the switch already."""
        return self._to("exchange", self.names.switch)

    @cached_property
    def is_under_way(self) -> bool:
        return self.names.switch in self.have.exchanges or self.names.held in self.have.queues

    def steps(self) -> tuple[Step, ...]:
        """Return the steps that are left; none if the wanted queue is in its place."""
        if self.old is None and not self.is_under_way:
            return ()
        found = [*self._away(), *([] if self.renames else self._back()), *self._clean()]
        return tuple(step for step in found if step.make or step.unbind or step.move or step.delete)

    def _away(self) -> Iterator[Step]:
        """Yield the steps that take all messages out of the old queue, and delete it."""
        if self.old is None:
            return
        names, source, following = self.names, self.source, self.successor.name
        switched = Binding(source=names.switch, destination=source)
        aside = Binding(source=names.aside, destination=following)
        frame = (self.successor, *self._exchanges(), aside, *((switched,) if self.bound else ()))
        yield self._step(Stage.PREPARE, f"create queue {following}, and a switch for the publishers", make=frame)
        if self.bound:
            lead = [_led(binding, names.switch) for binding in self.bound]
            yield self._step(
                Stage.LEAD, f"lead {_bindings(self.bound)} of queue {source} over the switch", make=lead
            )
            yield Step(
                stage=Stage.LEAD,
                sentence=f"unbind queue {source} from its exchanges; messages still reach it over the switch",
                unbind=self.bound,
            )
        if self.bound or switched in self.have.bindings:
            yield self._moving(Stage.MOVE, source, names.aside, following, enough=ENOUGH)
            sentence = f"switch publishers from queue {source} to queue {following}"
            yield Step(stage=Stage.SWITCH, sentence=sentence, unbind=(switched,))
        yield self._moving(Stage.EMPTY, source, names.aside, following)
        yield Step(stage=Stage.DELETE, sentence=f"delete queue {source}, which is empty", delete=(self.old,))

    def _back(self) -> Iterator[Step]:
        """Yield the steps that create the wanted queue under the old name, and bring all messages back."""
        names, source, held = self.names, self.source, self.names.held
        is_held = self.old is not None or held in self.have.queues
        back = (Exchange(name=names.back, type="fanout"), Binding(source=names.back, destination=source))
        make = (self.want, *back) if is_held else (self.want,)
        yield self._step(Stage.CREATE, f"create queue {source} as it is wanted", make=make)
        if not is_held:
            return
        if self.bound or self.led:
            yield self._moving(Stage.MOVE, held, names.back, source, enough=ENOUGH)
            switched = Binding(source=names.switch, destination=source)
            sentence = f"switch publishers from queue {held} back to queue {source}"
            yield self._step(Stage.SWITCH, sentence, make=(switched,))
        yield self._moving(Stage.EMPTY, held, names.back, source)
        holder = self.have.queues.get(held, self.successor)
        yield Step(stage=Stage.DELETE, sentence=f"delete queue {held}, which is empty", delete=(holder,))

    def _clean(self) -> Iterator[Step]:
        """Yield the steps that bind the wanted queue to where the messages come from, and remove the switch."""
        names, want = self.names, self.want.name
        if self.old is None and ledger_of(self.source) in self.have.queues:
            left = Queue(name=ledger_of(self.source), type="classic")
            yield Step(stage=Stage.CLEAN, sentence=f"delete the ledger of queue {self.source}", delete=(left,))
        leading = dict.fromkeys((*self.led, *(_led(binding, names.switch) for binding in self.bound)))
        direct = tuple(replace(each, destination=want, destination_type="queue") for each in leading)
        yield self._step(Stage.CLEAN, f"bind queue {want} as queue {self.source} was bound", make=direct)
        yield Step(stage=Stage.CLEAN, sentence="unbind the switch from the exchanges", unbind=tuple(leading))
        own = [*self._exchanges(), *([] if self.renames else [Exchange(name=names.back, type="fanout")])]
        yield Step(stage=Stage.CLEAN, sentence="delete the switch", delete=tuple(own))

    def _exchanges(self) -> tuple[Exchange, Exchange]:
        """Return the exchange aside, and the switch that uses it for what it cannot route."""
        names = self.names
        aside = Exchange(name=names.aside, type="fanout")
        other: dict[str, Argument] = {"alternate-exchange": names.aside}
        return aside, Exchange(name=names.switch, type="fanout", internal=True, arguments=other)

    def _holder(self) -> Queue:
        """Return the queue that holds the messages while the name is taken over: without limits, and durable.

        Messages with an expiration of their own expire there too, so it has the old dead letter exchange.
        """
        old = self.have.queues.get(self.source, self.want)
        settings = effective_arguments(old, self.have)
        arguments = {
            name: value
            for name, value in settings.items()
            if name.startswith("x-dead-letter-") and name != "x-dead-letter-strategy"
        }
        is_replicated = {self.have.type_of(old), self.have.type_of(self.want)} & {"quorum", "stream"}
        if is_replicated and (self.have.version or NEWEST) >= FIRST_WITH_DEFAULT_DELIVERY_LIMIT:
            arguments["x-delivery-limit"] = -1
        return Queue(name=self.names.held, type="quorum" if is_replicated else "classic", arguments=arguments)

    def _step(self, stage: Stage, sentence: str, *, make: Iterable[Exchange | Queue | Binding]) -> Step:
        """Return a step that makes those of these objects that will be missing when it is its turn."""
        return Step(stage=stage, sentence=sentence, make=tuple(filter(self._will_be_missing, make)))

    def _will_be_missing(self, item: TopologyObject) -> bool:
        """Return True for an object that is missing, or goes with the old queue."""
        goes = self.old is not None
        match item:
            case Queue():
                return item.name not in self.have.queues or (goes and item.name == self.source)
            case Binding():
                return item not in self.have.bindings or (goes and item.destination == self.source)
            case _:
                return item.name not in self.have.exchanges

    def _moving(self, stage: Stage, queue: str, via: str, to: str, *, enough: int = 0) -> Step:
        sentence = f"move the messages of queue {queue} to queue {to}"
        if stage is Stage.EMPTY:
            sentence = f"move what is left in queue {queue} to queue {to}, and wait for what is unacknowledged"
        return Step(stage=stage, sentence=sentence, move=queue, via=via, enough=enough)

    def _to(self, kind: str, name: str, *, without: Iterable[str] = ()) -> tuple[Binding, ...]:
        left_out = set(without)
        return tuple(
            item
            for item in self.have.objects()
            if isinstance(item, Binding)
            and (item.destination_type, item.destination) == (kind, name)
            and item.source not in left_out
        )


def _led(binding: Binding, switch: str) -> Binding:
    return replace(binding, destination=switch, destination_type="exchange")


def _bindings(bindings: tuple[Binding, ...]) -> str:
    return "the binding" if len(bindings) == 1 else f"the {len(bindings)} bindings"
