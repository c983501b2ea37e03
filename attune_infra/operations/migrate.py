"""Migrate queues: perform the steps, one after another, and prove by counts that nothing is left behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from enum import StrEnum
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from attune_infra.dataclass import dataclass
from attune_infra.errors import InUse, RequestRefused
from attune_infra.messages.migrations import Migrated, Migrations, QueueMigration
from attune_infra.messages.moving import Moved, Orders, prefetch_for
from attune_infra.operations.move import delete_all, delivery_limit, make_all
from attune_infra.topology.document.selectors import first_selecting
from attune_infra.topology.facts.between import ledger_of
from attune_infra.topology.facts.refusals import Restrictions
from attune_infra.topology.model import Queue, Topology, TopologyObject
from attune_infra.topology.planning.migration import Migration, Stage, Step
from attune_infra.topology.planning.migration_needs import needs_of_steps
from attune_infra.topology.planning.obstacles import Obstacle, obstacles_to
from attune_infra.topology.words import counted

if TYPE_CHECKING:
    from attune_infra.interfaces import Mover, MovingBroker

Tell = Callable[[str], None]
_MAX_ROUNDS: Final = 5
"""Times that all steps are taken from what the broker holds then; more of them are needed if others interfere."""
_PAUSE: Final = 0.5
_LAG: Final = 6.0
"""Seconds after which RabbitMQ's number of unacknowledged messages in a quorum queue is true."""
_WRITTEN: Final = 3.0
"""Seconds after which RabbitMQ has written a new queue to disk.

If it is killed before, it may know the queue no more, nor the messages that it has confirmed. It forgets all young
quorum queues: seen up to 0.9 s on 3.10, up to 0.6 s on 4.3 (`auto_save` of its table of names is 0.5 s), and few
young classic queues: 3 of 165 on 4.0, up to 1.2 s.
"""
_PARTING: Final = 3.0
"""Seconds in which RabbitMQ may still count the consumer of a mover that has closed its connection."""
_LAG_OF_STATISTICS: Final = 25.0
"""Seconds after which the statistics have lost such a consumer, where only they tell the consumers of a queue."""


class Consumers(StrEnum):
    """The treatment of consumers of a queue that is to be deleted."""

    CANCEL = "cancel"
    WAIT = "wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """The treatment of consumers, and the limits of a migration: messages a second, and messages in all."""

    consumers: Consumers | None = None
    rate: float | None = None
    limit: int | None = None
    protected: tuple[str, ...] = ()
    """Selectors of the queues that must stay."""


def plan_migrations(
    broker: MovingBroker, have: Topology, wanted: Mapping[str, Queue], manner: Manner
) -> Migrations:
    """Return the migrations of queues, by the names that they have now, with the reasons not to begin."""
    restrictions = broker.restrictions()
    found = [_plan(broker, Migration(name, want, have), manner, restrictions) for name, want in wanted.items()]
    return Migrations(queues=tuple(found), target=broker.target())


def _plan(
    broker: MovingBroker, migration: Migration, manner: Manner, restrictions: Restrictions
) -> QueueMigration:
    contents = broker.weigh(migration.source)
    ledgers = (ledger_of(migration.source), ledger_of(migration.names.held))
    obstacles = list(obstacles_to(migration, contents, restrictions, ledgers=ledgers))
    obstacles += _lacks(broker, migration)
    if migration.old is not None and (selector := first_selecting(manner.protected, migration.old)):
        sentence = f"`protect` of the document names queue {migration.source}: {selector}"
        obstacles.append(Obstacle(sentence, "take it out of `protect` for the time, if the migration is meant"))
    if migration.old is not None and contents.consumers != 0 and manner.consumers is None:
        obstacles.append(
            Obstacle(
                f"queue {migration.source} has {counted(contents.consumers, 'consumer')}",
                "give --consumers cancel to have them cancelled once the queue is empty, or --consumers wait to "
                "wait until they have gone",
            )
        )
    return QueueMigration(migration=migration, contents=contents, obstacles=tuple(obstacles))


def _lacks(broker: MovingBroker, migration: Migration) -> Iterator[Obstacle]:
    """Yield the permissions that a user lacks for the steps that are left."""
    needs = tuple(dict.fromkeys(needs_of_steps(migration.steps(), migration.have.exchanges)))
    for found in broker.lacking(needs) if needs else ():
        remark = f" ({found.fix})" if found.fix else ""
        yield Obstacle(f"{found.name} {found.detail.removeprefix('it ')}", f"{'; '.join(found.run)}{remark}")


def migrate(
    broker: MovingBroker, plan: Migrations, manner: Manner, *, tell: Tell, watch: Callable[[int], None]
) -> Migrations:
    """Carry out migrations, or go on where one was cut; raise `BrokerError` if a step fails."""
    done = list[QueueMigration]()
    for each in plan.queues:
        before = sum(each.result.moved.moved for each in done if each.result)
        with Migrator(broker, manner, tell=tell, watch=partial(_add, watch, before)) as migrator:
            done.append(replace(each, result=migrator.migrate(each.source, each.want)))
    return replace(plan, queues=tuple(done))


def _add(watch: Callable[[int], None], before: int, now: int) -> None:
    watch(before + now)


class Migrator:
    """Performs migrations on one broker."""

    def __init__(self, broker: MovingBroker, manner: Manner, *, tell: Tell, watch: Callable[[int], None]) -> None:
        self._broker, self._manner, self._tell, self._watch = broker, manner, tell, watch
        self._moved, self._late = Moved(), 0
        self._opened = ExitStack()
        self._mover: Mover | None = None
        self._is_switched, self._since = False, 0.0
        self._kept: list[TopologyObject] = []
        """The ledger of a stream that is read, and not deleted yet."""
        self._young: list[str] = []
        """Queues that this run has made, and that RabbitMQ may not have written yet."""

    @property
    def _cancels(self) -> bool:
        return self._manner.consumers is Consumers.CANCEL

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.__exit__(kind, value, trace)  # which puts what has cut a move into words

    def migrate(self, source: str, want: Queue) -> Migrated:
        """Migrate one queue, or go on where a migration was cut; raise `BrokerError` if a step fails.

        Every step can be repeated, and nothing is lost by stopping between two of them.
        """
        taken: list[Step] = []
        for _ in range(_MAX_ROUNDS):
            migration = Migration(source, want, self._broker.read(private=True))
            steps = migration.steps()
            if not steps:
                return Migrated(steps=tuple(taken), moved=self._moved, late=self._late)
            for step in steps:
                self._tell(step.sentence)
                self._take(step, migration)
                taken.append(step)
        raise RequestRefused(
            f"queue {source} is not as wanted after {_MAX_ROUNDS} rounds: something else changes it meanwhile",
            hint="find what declares it: a service that declares its queue itself? Then run the command again",
        )

    def _take(self, step: Step, migration: Migration) -> None:
        if step.make:
            make_all(self._broker, list(step.make))
            self._young += (item.name for item in step.make if isinstance(item, Queue))
        if step.stage in {Stage.SWITCH, Stage.CLEAN}:
            self._wait_until_written()
        if step.stage is Stage.SWITCH:
            self._switch(step)
        elif step.unbind:
            delete_all(self._broker, list(step.unbind))
        if step.move:
            self._move(step, migration)
        for item in step.delete:
            if isinstance(item, Queue) and item.name != ledger_of(migration.source):
                self._delete_empty(item)
            else:
                delete_all(self._broker, [item])
        if step.stage is Stage.DELETE:
            delete_all(self._broker, self._kept)
            self._kept = []

    def _wait_until_written(self) -> None:
        """Wait before the first message gets into a new queue."""
        if self._young:
            self._tell(f"waiting {_WRITTEN:g} seconds until RabbitMQ has written {_queues(self._young)} to disk")
            time.sleep(_WRITTEN)
            self._young = []

    def _switch(self, step: Step) -> None:
        """Switch at once: what reaches the old queue meanwhile stands behind newer messages later."""
        for binding in step.unbind:
            self._broker.unbind(binding)
        self._is_switched = True

    def _move(self, step: Step, migration: Migration) -> None:
        """Move messages, as long as the step wants; the ledger goes when the queue is empty."""
        queue = migration.have.queues.get(step.move) or migration.successor
        mover = self._mover_of(queue, step.via, migration)
        before, self._since = self._moved, time.monotonic()
        mover.run(enough=step.enough)
        while step.stage is Stage.EMPTY and not self._is_at_limit and not self._is_empty(queue):
            mover.run()
        if step.stage is Stage.EMPTY:
            self._refuse_rest()
            self._late += self._moved.moved - before.moved if self._is_switched else 0
            self._conclude(mover, queue, migration)

    def _conclude(self, mover: Mover, queue: Queue, migration: Migration) -> None:
        """Delete the ledger of a queue that is empty; what consumers took out of it meanwhile goes no further.

        A stream keeps its messages, so its ledger is deleted after it: without a ledger, the next run would copy
        the whole stream.
        Under another name, copies of those messages are out of reach already.
        """
        taken, held = mover.left, migration.names.held
        self._close()
        if taken and not migration.renames and queue.name != held:
            self._broker.carry(ledger_of(held), taken)
        elif taken:
            self._moved = self._moved.plus(taken=len(taken))
            words = counted(len(taken), "message")
            self._tell(f"handled twice: {words} that consumers took out of queue {queue.name} after a run was cut")
        ledger = Queue(name=ledger_of(queue.name), type="classic")
        if queue.type == "stream":
            self._kept = [ledger]
        else:
            delete_all(self._broker, [ledger])

    def _mover_of(self, queue: Queue, via: str, migration: Migration) -> Mover:
        """Return the mover of a queue. It stays open while publishers are switched, so that few are late."""
        if self._mover is None:
            have, ledger = migration.have, ledger_of(queue.name)
            if ledger not in have.queues:
                make_all(self._broker, [Queue(name=ledger, type="classic")])
                self._young.append(ledger)
            self._wait_until_written()
            orders = Orders(
                source=queue.name,
                ledger=ledger,
                exchange=via,
                source_type=have.type_of(queue),
                by_get=queue.auto_delete,
                delivery_limit=delivery_limit(queue, have),
                limit=self._manner.limit and self._manner.limit - self._moved.moved,
                rate=self._manner.rate,
                prefetch=prefetch_for(self._broker.weigh(queue.name).mean_bytes),
            )
            before = self._moved

            def note(moved: Moved) -> None:
                self._moved = before + moved
                self._watch(self._moved.moved)

            self._mover = self._opened.enter_context(self._broker.moving(orders, note))
        return self._mover

    def _close(self) -> None:
        self._opened.close()
        self._mover, self._is_switched = None, False

    @property
    def _is_at_limit(self) -> bool:
        return self._manner.limit is not None and self._moved.moved >= self._manner.limit

    def _refuse_rest(self) -> None:
        if self._is_at_limit:
            raise InUse(f"stopped after {counted(self._moved.moved, 'message')}, as --limit says", hint=_AGAIN)

    def _is_empty(self, queue: Queue) -> bool:
        """Return whether a queue is empty; wait for what consumers hold, and for them to go.

        RabbitMQ's number of unacknowledged messages in a quorum queue is late. A stream is empty once it is read.
        """
        messages, consumers = self._broker.contents(queue.name)
        others = max(0, (consumers or 0) - (not queue.auto_delete))  # the mover is one, unless it takes singly
        if queue.type == "stream":
            messages = 0
        elif queue.type == "quorum" and time.monotonic() < self._since + _LAG:
            messages = None
        if messages == 0 and (not others or self._cancels):
            return True
        if others:
            self._tell(f"waiting for {counted(others, 'consumer')} of queue {queue.name} to finish")
        time.sleep(_PAUSE)
        return False

    def _delete_empty(self, queue: Queue) -> None:
        """Delete a queue that holds nothing, by RabbitMQ's own check where its type has one."""
        is_exact = self._broker.contents(queue.name)[1] is not None
        parted = time.monotonic() + (_PARTING if is_exact else _LAG_OF_STATISTICS)
        while (consumers := self._broker.weigh(queue.name).consumers) and not self._cancels:
            if time.monotonic() > parted:
                break
            time.sleep(_PAUSE)
        is_stream = queue.type == "stream"
        if not self._cancels and (consumers or (is_stream and consumers is None)):
            raise InUse(f"queue {queue.name} has {counted(consumers, 'consumer')} again", hint=_AGAIN)
        delete_all(self._broker, [queue], even_if_used=bool(consumers) or is_stream)


def _queues(names: list[str]) -> str:
    return f"queue{'s' if len(names) > 1 else ''} {', '.join(names)}"


_AGAIN: Final = "run the command again: it goes on where it stopped"
