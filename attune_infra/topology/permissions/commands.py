"""The table of commands, and the smallest permissions of each.

A command is made of steps. A step says whose permissions it needs, and knows them for a document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from itertools import chain
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.errors import InvalidInput
from attune_infra.topology.facts.permissions import (
    TAGS_THAT_DO,
    Right,
    Tag,
    rights_to_consume,
    rights_to_create,
    rights_to_delete,
    rights_to_publish,
)
from attune_infra.topology.facts.protocols import needs_amqp, needs_http
from attune_infra.topology.model import (
    Binding,
    Exchange,
    Queue,
    TopologyObject,
    kind_of,
)
from attune_infra.topology.permissions.moving import (
    rights_after_migration,
    rights_after_move,
    rights_to_migrate,
    rights_to_move,
    rights_to_take,
)
from attune_infra.topology.permissions.needs import (
    CREATE_SCHEMA_AND_TABLE,
    CREATE_TABLE,
    READ_TABLE,
    REGISTER,
    UPDATE_TABLE,
    Entry,
    Need,
    Over,
    Privileges,
)
from attune_infra.topology.permissions.steps import Case, Step, Words, to_delete, to_look, to_set
from attune_infra.topology.worker import (
    bindings_of,
    named_dead_letter_exchange,
    objects_of,
    queues_of,
    worker_family,
)


def _create(
    items: Callable[[Case], Iterable[TopologyObject]], goes_here: Callable[[TopologyObject], bool]
) -> Callable[[Case], Iterator[Right]]:
    return lambda case: (
        right for item in items(case) if goes_here(item) for right in rights_to_create(item, case.exchanges)
    )


def _create_in_two_ways(
    items: Callable[[Case], Iterable[TopologyObject]], words: Words
) -> tuple[tuple[Step, Step], tuple[Step, Step]]:
    """Return the steps to create objects over AMQP, and over HTTP; some objects always take one of the two."""
    over_amqp = (
        Step(over=Over.AMQP, rights=_create(items, lambda item: not needs_http(item)), words=words),
        Step(over=Over.HTTP, rights=_create(items, needs_http), is_rare=True),
    )
    over_http = (
        Step(over=Over.HTTP, rights=_create(items, lambda item: not needs_amqp(item)), words=words),
        Step(over=Over.AMQP, rights=_create(items, needs_amqp), is_rare=True),
    )
    return over_amqp, over_http


def _delete(items: Callable[[Case], Iterable[TopologyObject]]) -> Callable[[Case], Iterator[Right]]:
    return lambda case: (right for item in items(case) for right in rights_to_delete(item, case.exchanges))


def _own(case: Case) -> Iterator[TopologyObject]:
    """Yield the wanted objects that a command may create: external ones have another owner."""
    return (item for item in case.want.objects() if not (isinstance(item, Exchange | Queue) and item.external))


def _recreated(case: Case) -> Iterator[TopologyObject]:
    return (item for item in _own(case) if isinstance(item, Exchange | Queue))


def _undeclared(case: Case) -> Iterator[TopologyObject]:
    """Yield the objects to delete, without the bindings that RabbitMQ deletes along with their destination."""
    gone = {(kind_of(item), item.name) for item in case.undeclared if isinstance(item, Exchange | Queue)}
    for item in case.undeclared:
        if not (isinstance(item, Binding) and (item.destination_type, item.destination) in gone):
            yield item


def _objects_of_workers(case: Case) -> Iterator[Queue | Binding]:
    family = worker_family(case.want)
    return (item for worker_id in case.worker_ids for item in objects_of(family, worker_id))


def _queues(case: Case) -> Iterator[Queue]:
    family = worker_family(case.want)
    return (queue for worker_id in case.worker_ids for queue in queues_of(family, worker_id))


def _consume(case: Case) -> Iterator[Right]:
    return (right for queue in _queues(case) for right in rights_to_consume(queue.name))


def _send_back(case: Case) -> Iterator[Right]:
    """Return the rights to take messages out of queues, and to keep a ledger; not those of where messages go."""
    return chain.from_iterable(rights_to_take(name, case.exchanges) for name in case.queues)


def _dispatch(case: Case) -> Iterator[Right]:
    """Yield the rights to publish to the exchange of each worker's first binding."""
    for worker_id in case.worker_ids:
        for binding in bindings_of(worker_family(case.want), worker_id)[:1]:
            yield from rights_to_publish(binding.source, binding.routing_key, case.exchanges)


def _dead_letter(case: Case) -> Iterator[Right]:
    """Yield the rights to publish rejected messages; RabbitMQ itself publishes those of a queue that names one."""
    family = worker_family(case.want)
    if all("x-dead-letter-exchange" in queue.arguments for queue in family.queues):
        return
    exchange = case.dead_letter_exchange or named_dead_letter_exchange(case.want)
    for worker_id in case.worker_ids:
        for binding in bindings_of(family, worker_id):
            yield from rights_to_publish(exchange, binding.routing_key, case.exchanges)


def _tap(case: Case) -> Iterator[Right]:
    """Yield the rights for the private queue of a tap."""
    for binding in case.tapped:
        yield from rights_to_create(Queue(name=binding.destination), case.exchanges)
        yield from rights_to_create(binding, case.exchanges)
        yield from rights_to_consume(binding.destination)


def _without_implied(needs: Iterable[Need]) -> list[Need]:
    """Return needs without those that a needed tag includes: other tags, and the access of an administrator."""
    found = list(dict.fromkeys(needs))
    tags = {need.what for need in found if isinstance(need.what, Tag)}
    implied = {Need(Over.HTTP, tag) for tag in Tag if tags & (TAGS_THAT_DO[tag] - {tag})}
    if Tag.ADMINISTRATOR in tags:
        implied.add(Need(Over.HTTP, Entry()))
    return [need for need in found if need not in implied]


_CREATE: Final = Words(
    configure="each exchange and queue of the document",
    write="the destination of each binding; each dead letter exchange and alternate exchange",
    read="the source of each binding; each queue with a dead letter exchange; each exchange with an alternate one",
)
_CREATE_WORKER: Final = Words(
    configure="the worker's queues", write="the worker's queues", read="the exchanges that they are bound to"
)
_PRUNE: Final = Words(
    configure="each undeclared exchange and queue to delete",
    write="the destination of each binding to delete",
    read="the source of each binding to delete",
)

LOOK: Final = Step(tag=Tag.MANAGEMENT)
LOOK_AT_ALL: Final = Step(tag=Tag.ADMINISTRATOR)
COMPARE: Final = Step(tag=Tag.MANAGEMENT, more=to_look)
ENTER: Final = Step(over=Over.AMQP)
SET_POLICIES: Final = Step(tag=Tag.MANAGEMENT, more=to_set)
CREATE, CREATE_OVER_HTTP = _create_in_two_ways(_own, _CREATE)
RECREATE: Final = Step(
    rights=_delete(_recreated), words=Words(configure="each exchange and queue of the document")
)
PRUNE: Final = Step(tag=Tag.MANAGEMENT, more=to_delete, rights=_delete(_undeclared), words=_PRUNE)
PRUNE_BINDINGS: Final = Step(
    rights=_delete(_undeclared),
    words=Words(write="the workers' queues with foreign bindings", read="the sources of these bindings"),
)
PROBE: Final = Step(tag=Tag.ADMINISTRATOR)
CREATE_WORKER, CREATE_WORKER_OVER_HTTP = _create_in_two_ways(_objects_of_workers, _CREATE_WORKER)
RUN_WORKER: Final = Step(over=Over.AMQP, rights=_create(_objects_of_workers, lambda _: True), words=_CREATE_WORKER)
DELETE_WORKER: Final = Step(rights=_delete(_queues), words=Words(configure="the worker's queues"))
CONSUME: Final = Step(over=Over.AMQP, rights=_consume, words=Words(read="the worker's queues"))
DEAD_LETTER: Final = Step(
    over=Over.AMQP, rights=_dead_letter, words=Words(write="the exchange for rejected messages")
)
DISPATCH: Final = Step(
    over=Over.AMQP, rights=_dispatch, words=Words(write="the exchange of the worker's first binding")
)
LOAD_MESSAGES: Final = Step(
    over=Over.AMQP,
    rights=lambda case: rights_to_publish("", "", case.exchanges),
    words=Words(write="`amq.default`, or the exchange of --exchange"),
)
READ_MESSAGES: Final = Step(
    over=Over.AMQP,
    rights=lambda case: chain.from_iterable(map(rights_to_consume, case.queues)),
    words=Words(read="the queues that are named"),
)

MOVE_MESSAGES: Final = Step(
    over=Over.AMQP,
    rights=rights_to_move,
    words=Words(
        configure="an exchange and a queue named attune-infra.*",
        write="these, `amq.default`, and the queue that gets messages",
        read="these, and the queue that messages are taken from",
    ),
)
TIDY_UP: Final = Step(
    rights=rights_after_move, words=Words(configure="an exchange and a queue named attune-infra.*")
)
MIGRATE: Final = Step(
    over=Over.AMQP,
    rights=rights_to_migrate,
    words=Words(
        configure="the queue, and exchanges and queues named attune-infra.*",
        write="these, `amq.default`, and each dead letter exchange",
        read="these, and the exchanges that the queue is bound to",
    ),
)
END_MIGRATION: Final = Step(
    rights=rights_after_migration,
    words=Words(
        configure="the queue, and exchanges and queues named attune-infra.*",
        write="the queue, and exchanges named attune-infra.*",
        read="the exchanges that the queue is bound to",
    ),
)
SEND_BACK: Final = Step(
    over=Over.AMQP,
    rights=_send_back,
    words=Words(
        configure="a queue named attune-infra.ledger.QUEUE",
        write="that queue, `amq.default`, and each exchange that messages go back to",
        read="that queue, and the queue that is named",
    ),
)
TAP: Final = Step(
    over=Over.AMQP,
    rights=_tap,
    words=Words(
        configure="queues `attune-infra.tap.*`",
        write="queues `attune-infra.tap.*`",
        read="queues `attune-infra.tap.*`; the exchange",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """A command with the options that change its needs, and its steps.

    The steps of `undoing` are made only if a step was refused. If the database is optional, the privileges are
    needed only with one.
    """

    command: str
    steps: tuple[Step, ...] = ()
    undoing: tuple[Step, ...] = ()
    database: Privileges = ()
    database_is_optional: bool = False
    note: str = field(default="", compare=False)

    def needs(self, case: Case) -> tuple[Need, ...]:
        """Return all needs in a case, each once: those of HTTP first, then of AMQP, then of the database."""
        found = _without_implied(need for step in (*self.steps, *self.undoing) for need in step.needs(case))
        found += (Need(Over.DATABASE, privilege) for privilege in self.database)
        ordered = [need for over in (Over.HTTP, Over.AMQP, Over.DATABASE) for need in found if need.over is over]
        return tuple(dict.fromkeys(ordered))


_STAYS: Final = "Without configure on the document's other objects, it says so once for each, and works."
_MISSING: Final = "A missing exchange is created too, and needs configure."

_DROPPED: Final = "Without write on `amq.default`, it works, but dropped messages are not counted."

_UNCOUNTED: Final = (
    "Without access over AMQP, or on 4.3 without any permission on a queue, consumers are not counted."
)
_KEPT: Final = "Without access over AMQP, quorum queues cannot be counted, and are kept."
_UNREAD: Final = "Without read on a dead letter queue, its messages are counted, and not read."
USAGES: Final = (
    Usage(command="setup", steps=(COMPARE, SET_POLICIES, *CREATE)),
    Usage(command="setup --dry-run", steps=(COMPARE,)),
    Usage(command="setup --via http", steps=(COMPARE, SET_POLICIES, *CREATE_OVER_HTTP)),
    Usage(command="setup --allow-destructive", steps=(COMPARE, SET_POLICIES, *CREATE, RECREATE)),
    Usage(
        command="setup --prune --allow-destructive",
        steps=(COMPARE, SET_POLICIES, *CREATE, RECREATE, PRUNE),
        note=_KEPT,
    ),
    Usage(command="diff", steps=(COMPARE,)),
    Usage(command="verify", steps=(COMPARE, ENTER)),
    Usage(command="verify --probe", steps=(COMPARE, ENTER, PROBE)),
    Usage(command="lint --live", steps=(LOOK,), note=_UNCOUNTED),
    Usage(command="graph --live", steps=(LOOK,)),
    Usage(command="trace --live", steps=(LOOK,)),
    Usage(command="queues", steps=(LOOK,)),
    Usage(command="migrate --dry-run", steps=(LOOK,)),
    Usage(command="migrate", steps=(LOOK, MIGRATE, END_MIGRATION)),
    Usage(command="queue peek", steps=(LOOK, READ_MESSAGES)),
    Usage(command="queue move", steps=(LOOK, MOVE_MESSAGES, TIDY_UP)),
    Usage(command="queue copy", steps=(LOOK, MOVE_MESSAGES, TIDY_UP)),
    Usage(command="queue load", steps=(LOOK, LOAD_MESSAGES)),
    Usage(command="queue purge", steps=(LOOK, READ_MESSAGES)),
    Usage(command="dlq list", steps=(LOOK, ENTER), note=_UNREAD),
    Usage(command="dlq show", steps=(LOOK, READ_MESSAGES)),
    Usage(command="dlq replay", steps=(LOOK, SEND_BACK)),
    Usage(command="watch", steps=(LOOK,), database=READ_TABLE, database_is_optional=True),
    Usage(command="tap", steps=(LOOK, TAP), note=_DROPPED),
    Usage(command="export", steps=(LOOK,)),
    Usage(command="export --users", steps=(LOOK_AT_ALL,)),
    Usage(command="export --all", steps=(LOOK_AT_ALL,)),
    Usage(command="metrics", steps=(LOOK,), database=READ_TABLE, database_is_optional=True),
    Usage(command="worker list", steps=(LOOK,), database=READ_TABLE),
    Usage(command="worker verify", steps=(LOOK,), database=READ_TABLE),
    Usage(command="worker watch", steps=(LOOK,), database=READ_TABLE),
    Usage(command="worker register", database=REGISTER),
    Usage(
        command="worker provision",
        steps=(LOOK, *CREATE_WORKER),
        database=READ_TABLE,
        database_is_optional=True,
        note=_MISSING,
    ),
    Usage(
        command="worker provision --via http",
        steps=(LOOK, *CREATE_WORKER_OVER_HTTP),
        database=READ_TABLE,
        database_is_optional=True,
        note=_MISSING,
    ),
    Usage(
        command="worker enlist",
        steps=(LOOK, *CREATE_WORKER),
        undoing=(DELETE_WORKER,),
        database=REGISTER,
        note=_MISSING,
    ),
    Usage(
        command="worker enlist --via http",
        steps=(LOOK, *CREATE_WORKER_OVER_HTTP),
        undoing=(DELETE_WORKER,),
        database=REGISTER,
        note=_MISSING,
    ),
    Usage(command="worker deregister", database=UPDATE_TABLE),
    Usage(
        command="worker deprovision",
        steps=(LOOK, DELETE_WORKER),
        database=READ_TABLE,
        database_is_optional=True,
        note=_KEPT,
    ),
    Usage(command="worker prune", steps=(LOOK, DELETE_WORKER, PRUNE_BINDINGS), database=READ_TABLE, note=_KEPT),
    Usage(command="worker run", steps=(RUN_WORKER, CONSUME, DEAD_LETTER), database=REGISTER, note=_STAYS),
    Usage(command="worker dispatch", steps=(DISPATCH,)),
    Usage(command="registry init", database=CREATE_TABLE),
    Usage(command="registry init --schema NEW", database=CREATE_SCHEMA_AND_TABLE),
)
"""Each command that asks a server, with the options that change its needs."""


ASKING_NOTHING: Final = (
    "lint",
    "graph",
    "trace",
    "import",
    "topology check",
    "topology show",
    "topology schema",
    "schemas",
    "completion",
    "help",
    "sandbox",
)
"""The commands that ask no server of the user's, without `--live`."""


TELLING_WHAT_LACKS: Final = ("connections", "doctor")
"""The commands that need no permission, since they say which ones are missing."""


def usage_of(command: str) -> Usage:
    """Return the usage of a command; raise `InvalidInput` if the table has none."""
    found = next((usage for usage in USAGES if usage.command == command), None)
    if found is None:
        raise InvalidInput(
            f"no needs are known for the command '{command}'", hint="docs/permissions.md lists them"
        )
    return found
